/**
 * What an adapter for a framework is made of: facts of a request, the answer to send, the place of `auth`, guards with
 * grants. For those who write an adapter; an application needs none of it. Verifies nothing by itself.
 *
 * @module
 */

export { createGrantGuard } from './grants/grant-guard.js'
export { keepAccess } from './grants/join-access.js'
export {
  type FetchConnection,
  fetchRequestFacts,
  setFetchHeaders,
  toFetchResponse,
  withFetchHeaders,
} from './http/fetch-http.js'
export { type FieldValue, mergeField, preflightAnswer } from './http/http-answer.js'
export {
  type NodeRequest,
  type NodeResponse,
  type NodeSocket,
  nodeRequestFacts,
  sendNodeAnswer,
  setNodeHeaders,
} from './http/node-http.js'
export { isPreflight } from './http/request-facts.js'
export { checkNames } from './kit/check.js'
