import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Auth, ResourceServer } from 'portcullis'
import { type FetchGuard, portcullis } from 'portcullis/fetch'

/** An API where each user keeps notes, for as long as this instance lives. `server` says whose tokens it accepts. */
export function createApp(server: ResourceServer): Hono {
  const gate = portcullis(server)
  const notes = new Map<string, string[]>()

  const app = new Hono()
  app.use(async (c, next) => (await gate.metadata(c.req.raw)) ?? next())

  app.get('/hello', guarded(gate.optionalToken()), (c) => {
    return c.json({ hello: c.get('auth')?.subject ?? 'stranger' })
  })

  app.get('/notes', guarded(gate.requireToken({ scope: 'notes:read' })), (c) => {
    return c.json(notes.get(c.get('auth').subject) ?? [])
  })

  app.post('/notes', guarded(gate.requireToken({ scope: 'notes:write' })), async (c) => {
    const { text } = await c.req.json<{ text?: unknown }>().catch(() => ({ text: undefined }))
    if (typeof text !== 'string') return c.json({ error: 'A note is { "text": "…" }.' }, 400)
    const { subject } = c.get('auth')
    notes.set(subject, [...(notes.get(subject) ?? []), text])
    return c.json({ text }, 201)
  })

  return app
}

/** A guard as middleware of Hono. `c.res.headers` lets a refusal keep the fields that hono/cors has set. */
function guarded<Identity extends Auth | undefined>(guard: FetchGuard<Identity>) {
  return createMiddleware<{ Variables: { auth: Identity } }>(async (c, next) => {
    const result = await guard(c.req.raw, { headers: c.res.headers })
    if (!result.ok) return result.response
    c.set('auth', result.auth)
    return next()
  })
}
