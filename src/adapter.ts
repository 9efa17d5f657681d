/**
 * What an adapter for a framework is made of: facts of a request, the answer to send, the place of `auth`, guards with
 * grants. For those who write an adapter; an application needs none of it. Verifies nothing by itself.
 *
 * @module
 */

export { createGrantGuard } from './grants/grant-guard.js'
export { keepAccess } from './grants/join-access.js'
export { type FieldValue, mergeField } from './http/answer-headers.js'
export { setFetchHeaders, toFetchResponse, withFetchHeaders } from './http/fetch-answer.js'
export { type FetchConnection, fetchRequestFacts } from './http/fetch-request.js'
export { type NodeResponse, sendNodeAnswer, setNodeHeaders } from './http/node-answer.js'
export { type NodeRequest, type NodeSocket, nodeRequestFacts } from './http/node-request.js'
export { isPreflight, preflightAnswer } from './http/preflight.js'
export { checkNames } from './kit/check.js'
