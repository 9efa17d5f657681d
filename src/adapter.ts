/**
 * What an adapter for a framework is made of: facts of a request, guards with grants, the place of `auth`, the answer to
 * send. For those who write an adapter; an application needs none of it. Knows no framework.
 *
 * @module
 */

export { AccessContext } from './auth/access-context.js'
export { Auth, authIn, earlierIn, keepAccess, setAuth } from './auth/auth.js'
export {
  AccessDeniedError,
  AuthError,
  ConfigurationError,
  InsufficientScopeError,
  InternalError,
  InvalidRequestError,
  isAuthError,
  StepUpRequiredError,
} from './errors/index.js'
export {
  type AdapterGate,
  type AdapterOptions,
  adapterRules,
  addGrants,
  answerMetadata,
  createAdapterGate,
  createGrantGuard,
  type GrantGuard,
  isPreflight,
  type Judge,
  type Judged,
  type Preflight,
  refuseUncalled,
} from './grants/adapter-gate.js'
export {
  type Ahead,
  checkDeclared,
  checkFound,
  type DeclaredRoute,
  declares,
  guardAt,
  isAhead,
  isDeclaration,
} from './grants/declared-routes.js'
export { createHealthAnswer, type HealthOptions } from './grants/health-answer.js'
export {
  type FetchConnection,
  fetchRequestFacts,
  setFetchHeaders,
  toFetchResponse,
  withFetchHeaders,
} from './http/fetch-http.js'
export { readFetchForm, readNodeForm, type UnreadRequest } from './http/form-body.js'
export { type FieldValue, mergeField, preflightAnswer, withAnswerHeaders } from './http/http-answer.js'
export {
  type NodeRequest,
  type NodeResponse,
  type NodeSocket,
  nodeRequestFacts,
  type ReplySender,
  type RequestWrapper,
  sendNodeAnswer,
  sendReply,
  setNodeHeaders,
  setReplyHeaders,
  type WrappedReply,
} from './http/node-http.js'
export {
  anything,
  checkOptions,
  choice,
  flag,
  func,
  members,
  misspelt,
  object,
  type Rule,
  type Rules,
  required,
  text,
  texts,
} from './kit/options.js'
export { mergeRequirements } from './resource-server/policy/requirement.js'
