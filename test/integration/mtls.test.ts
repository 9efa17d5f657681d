import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import Koa from 'koa'
import { createResourceServer, type ResourceServer } from 'portcullis'
import { portcullis as expressGate } from 'portcullis/express'
import { portcullis as fastifyGate } from 'portcullis/fastify'
import { portcullis as fetchGate } from 'portcullis/fetch'
import { portcullis as koaGate } from 'portcullis/koa'
import { createDpopClient, createTestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificateThumbprint } from '../../src/resource-server/binding/client-certificate.js'
import { createCertificate, type TestCertificate } from '../support/certificates.js'

const resource = 'https://api.example.com'
const issuer = createTestIssuer({ audience: resource })
let own: TestCertificate
let client: TestCertificate
let thumbprint: string

beforeAll(async () => {
  own = await createCertificate('server')
  client = await createCertificate('client')
  thumbprint = await certificateThumbprint(client.der)
})
afterAll(() => issuer.close())

/** One guarded route in each framework, for a server that speaks TLS itself. */
const applications: Record<string, (server: ResourceServer) => RequestListener | Promise<RequestListener>> = {
  Express(server) {
    const app = express()
    app.get('/me', expressGate(server).requireToken(), (req, res) => void res.send(req.auth.subject))
    return app
  },
  Koa(server) {
    const app = new Koa()
    app.use(koaGate(server).requireToken())
    app.use((ctx) => {
      ctx.body = ctx.state['auth'].subject
    })
    return app.callback()
  },
  async Fastify(server) {
    const app = fastify()
    await app.register(fastifyGate, { server })
    app.get('/me', { config: { portcullis: {} } }, (req, reply) => reply.send(req.auth?.subject))
    await app.ready()
    return app.routing
  },
  'a Fetch handler'(server) {
    const sockets = new WeakMap<Request, TLSSocket>()
    const gate = fetchGate(server, {
      connection: (received) => ({ clientCertificate: () => sockets.get(received)?.getPeerCertificate().raw }),
    })
    const handle = gate.withAuth({}, (_request, auth) => new Response(auth.subject))
    return getRequestListener((received, { incoming }) => {
      sockets.set(received, (incoming as HttpBindings['incoming'] & { socket: TLSSocket }).socket)
      return handle(received)
    })
  },
}

describe.each(Object.entries(applications))('certificate-bound tokens over TLS with %s', (_name, start) => {
  let https: Server
  beforeAll(async () => {
    const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch })
    const settings = { cert: own.cert, key: own.key, requestCert: true, rejectUnauthorized: false }
    https = createServer(settings, await start(server)).listen(0, '127.0.0.1')
    await once(https, 'listening')
  })
  afterAll(() => {
    https.closeAllConnections()
    https.close()
  })

  async function call(certificate: TestCertificate | undefined, headers: Record<string, string>) {
    const { port } = https.address() as AddressInfo
    const presented = certificate && { cert: certificate.cert, key: certificate.key }
    const target = { host: '127.0.0.1', port, path: '/me', ca: own.cert, agent: false, headers, ...presented }
    const [response] = (await once(request(target).end(), 'response')) as [IncomingMessage]
    const body = (await response.toArray()).join('')
    return { status: response.statusCode, challenge: String(response.headers['www-authenticate']), body }
  }
  const bearer = (cnf: object) => ({ authorization: `Bearer ${issuer.mintToken({ cnf })}` })

  it('[MTLS-01] [MTLS-03] pass with the certificate they are bound to, self-signed as it is', async () => {
    expect(await call(client, bearer({ 'x5t#S256': thumbprint }))).toMatchObject({ status: 200, body: 'user-1' })
  })

  it('[MTLS-01] [E-11] are refused with another certificate, and with none', async () => {
    const headers = bearer({ 'x5t#S256': thumbprint })
    const refused = { status: 401, challenge: expect.stringMatching(/^Bearer error="invalid_token"/) }
    expect(await call(await createCertificate('client'), headers)).toMatchObject(refused)
    expect(await call(undefined, headers)).toMatchObject(refused)
  })

  it('[MTLS-04] [E-11] are refused with a certificate in a field nobody trusts', async () => {
    const field = `:${Buffer.from(client.der).toString('base64')}:`
    const headers = { ...bearer({ 'x5t#S256': thumbprint }), 'client-cert': field }
    expect((await call(undefined, headers)).status).toBe(401)
  })

  it('[MTLS-06] pass with certificate and proof where they are bound to both, and with one alone do not', async () => {
    const prover = createDpopClient()
    const accessToken = issuer.mintToken({ cnf: { 'x5t#S256': thumbprint, jkt: prover.jkt } })
    const headers = () => ({ ...prover.headers({ url: `${resource}/me`, accessToken }) })
    expect((await call(client, headers())).status).toBe(200)
    expect((await call(undefined, headers())).status).toBe(401)
    expect((await call(client, { authorization: `Bearer ${accessToken}` })).status).toBe(401)
  })
})
