import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa from 'koa'
import type { ResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/koa'

/** An API where each user keeps notes. `server` says whose tokens it accepts. */
export function createApp(server: ResourceServer): Koa {
  const { metadata, requireToken, optionalToken } = portcullis(server)
  const notes = new Map<string, string[]>()

  const router = new Router()

  router.get('/hello', optionalToken(), (ctx) => {
    ctx.body = { hello: ctx.state.auth?.subject ?? 'stranger' }
  })

  router.get('/notes', requireToken({ scope: 'notes:read' }), (ctx) => {
    ctx.body = notes.get(ctx.state.auth.subject) ?? []
  })

  // The guard comes first: who has no token cannot make the server read a body.
  router.post('/notes', requireToken({ scope: 'notes:write' }), bodyParser({ enableTypes: ['json'] }), (ctx) => {
    const { text } = ctx.request.body as { text?: unknown }
    if (typeof text !== 'string') {
      ctx.status = 400
      ctx.body = { error: 'A note is { "text": "…" }.' }
      return
    }
    const { subject } = ctx.state.auth
    notes.set(subject, [...(notes.get(subject) ?? []), text])
    ctx.status = 201
    ctx.body = { text }
  })

  const app = new Koa()
  app.use(metadata())
  app.use(router.routes())
  return app
}
