/**
 * An API behind Portcullis, with Hono.
 *
 *   npx tsx examples/hono.ts [issuer] [port]
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { routePath } from 'hono/route'
import { type Auth, createResourceServer } from 'portcullis'
import { type FetchGuard, portcullis } from 'portcullis/fetch'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)

const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer,
  allowInsecureLoopback: true, // to try it with an issuer on this machine; any other must speak https
})
const gate = portcullis(server)

/** Any guard as middleware. `c.res.headers` lets the refusal keep what hono/cors has set; `route` is for events. */
function guarded<Identity extends Auth | undefined>(guard: FetchGuard<Identity>) {
  return createMiddleware<{ Variables: { auth: Identity } }>(async (c, next) => {
    const result = await guard(c.req.raw, { headers: c.res.headers, route: () => routePath(c, -1) })
    if (!result.ok) return result.response
    c.set('auth', result.auth)
    return next()
  })
}

const app = new Hono()
app.use(async (c, next) => (await gate.metadata(c.req.raw)) ?? next())
app.get('/me', guarded(gate.requireToken({ scope: 'profile' })), (c) => {
  const { subject, scopes } = c.get('auth')
  return c.json({ subject, scopes })
})
app.get('/hello', guarded(gate.optionalToken()), (c) => {
  return c.json({ hello: c.get('auth')?.subject ?? 'stranger' })
})

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(port) }, (address) => {
  console.log(`http://127.0.0.1:${address.port}`)
})
