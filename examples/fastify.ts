/**
 * An API behind Portcullis, with Fastify.
 *
 *   npx tsx examples/fastify.ts [issuer] [port]
 */
import Fastify from 'fastify'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/fastify'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)

const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer,
  allowInsecureLoopback: true, // to try it with an issuer on this machine; any other must speak https
})

const app = Fastify()
await app.register(portcullis, { server })
app.get('/me', { config: { portcullis: { scope: 'profile' } } }, async (request) => {
  return { subject: request.auth.subject, scopes: request.auth.scopes }
})
app.get('/hello', { onRequest: app.optionalToken() }, async (request) => {
  return { hello: request.auth?.subject ?? 'stranger' }
})

console.log(await app.listen({ host: '127.0.0.1', port: Number(port) }))
