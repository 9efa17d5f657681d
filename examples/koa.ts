/**
 * An API behind Portcullis, with Koa.
 *
 *   npx tsx examples/koa.ts [issuer] [port]
 */
import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import Koa from 'koa'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/koa'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)

const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer,
  allowInsecureLoopback: true, // to try it with an issuer on this machine; any other must speak https
})
const { metadata, requireToken, optionalToken } = portcullis(server)

const router = new Router()
router.get('/me', requireToken({ scope: 'profile' }), (ctx) => {
  ctx.body = { subject: ctx.state.auth.subject, scopes: ctx.state.auth.scopes }
})
router.get('/hello', optionalToken(), (ctx) => {
  ctx.body = { hello: ctx.state.auth?.subject ?? 'stranger' }
})

const app = new Koa()
app.use(metadata())
app.use(router.routes())

const listening = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
})
