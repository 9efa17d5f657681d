import type { Context } from 'koa'
import { setNodeHeaders } from '../../src/adapter.js'
import type { HttpAnswer } from '../../src/index.js'

/** Sends a whole answer. Koa takes status and body from each other and from an earlier type, hence the order. */
export function sendAnswer(ctx: Context, { status, headers, body }: HttpAnswer): void {
  ctx.remove('Content-Type')
  ctx.body = null
  ctx.status = status
  setNodeHeaders(ctx.res, headers)
  if (body !== '') ctx.body = body
}
