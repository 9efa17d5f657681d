/**
 * An API behind Portcullis, with nothing but the Fetch API. `handle` is what Deno, Bun and Workers want; here a small
 * server of Node's runs it.
 *
 *   npx tsx examples/fetch.ts [issuer] [port]
 */
import { serve } from '@hono/node-server'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/fetch'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)

const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer,
  allowInsecureLoopback: true, // to try it with an issuer on this machine; any other must speak https
})
const gate = portcullis(server)

const me = gate.withAuth({ scope: 'profile' }, (_request, auth) => {
  return Response.json({ subject: auth.subject, scopes: auth.scopes })
})

const identify = gate.optionalToken()
async function hello(request: Request): Promise<Response> {
  const result = await identify(request)
  if (!result.ok) return result.response
  return Response.json({ hello: result.auth?.subject ?? 'stranger' }, { headers: result.headers })
}

async function handle(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/me') return me(request)
  if (pathname === '/hello') return hello(request)
  return (await gate.metadata(request)) ?? new Response(null, { status: 404 })
}

serve({ fetch: handle, hostname: '127.0.0.1', port: Number(port) }, (address) => {
  console.log(`http://127.0.0.1:${address.port}`)
})
