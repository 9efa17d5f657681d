import type { Context } from 'koa'
import { mergeField, nodeRequestFacts, setNodeHeaders } from '../../src/adapter.js'
import type { AuthError, HttpAnswer, RequestFacts } from '../../src/index.js'

/** The facts of a request, with the URL the client asked for and the form that a parser left. */
export function factsOf({ req, request, originalUrl }: Context): RequestFacts {
  const { method, headers, rawHeaders, socket } = req
  const { body } = request as { body?: unknown }
  return nodeRequestFacts({ method, url: originalUrl, headers, rawHeaders, socket, body })
}

/** Sends a whole answer. Koa takes status and body from each other and from an earlier type, hence the order. */
export function sendAnswer(ctx: Context, { status, headers, body }: HttpAnswer): void {
  ctx.remove('Content-Type')
  ctx.body = null
  ctx.status = status
  setNodeHeaders(ctx.res, headers)
  if (body !== '') ctx.body = body
}

/** Not writable, so that no later middleware replaces it by accident; a second guard still can. */
export function setAuth(ctx: Context, value: unknown): void {
  Object.defineProperty(ctx.state, 'auth', { value, writable: false, enumerable: true, configurable: true })
}

/** The error with the fields its answer needs, as Koa's error handler expects them. */
export function withHeaders(error: AuthError, { headers }: HttpAnswer, { res }: Context): AuthError {
  const merged = Object.entries(headers).map(([name, value]) => [name, mergeField(name, res.getHeader(name), value)])
  return Object.defineProperty(error, 'headers', { value: Object.fromEntries(merged), configurable: true })
}
