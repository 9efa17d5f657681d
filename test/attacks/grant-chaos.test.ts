import express from 'express'
import { createGrants, createResourceServer } from 'portcullis'
import { clientSecretBasic, createOAuthClient, type OAuthClientOptions } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { createTestIssuer, type EndpointBehaviour, type TestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { quickRetry } from '../support/client-set-up.js'
import { type LoopbackServer, listenOnLoopback } from '../support/loopback-server.js'

const resource = 'https://api.example.com'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const answering = (status: number, body: object | string, headers = {}): EndpointBehaviour => ({
  kind: 'answer',
  status,
  headers,
  body: body as string,
})
const issuing = (members: object) =>
  answering(200, {
    access_token: 'issued',
    token_type: 'Bearer',
    expires_in: 60,
    issued_token_type: accessTokenType,
    ...members,
  })

interface Trouble {
  readonly behaviour: EndpointBehaviour
  readonly status: number
  readonly retryAfter?: string
  /** Met by a gateway with other habits than the rest. */
  readonly at?: 'bound' | 'impatient'
}

/** What goes wrong at the token endpoint, the statuses the caller may see, and `Retry-After`. */
const troubles: Record<string, Trouble> = {
  'never answers': { behaviour: { kind: 'hang' }, status: 503, retryAfter: '5', at: 'impatient' },
  'stops in the middle of an answer': {
    behaviour: { kind: 'hang', during: 'body' },
    status: 503,
    retryAfter: '5',
    at: 'impatient',
  },
  'sends a byte now and then': {
    behaviour: { kind: 'drip', intervalMs: 50 },
    status: 503,
    retryAfter: '5',
    at: 'impatient',
  },
  'resets connections': { behaviour: { kind: 'down' }, status: 503, retryAfter: '5' },
  'answers 429': { behaviour: answering(429, {}, { 'retry-after': '7' }), status: 503, retryAfter: '7' },
  'answers 503 with a date': {
    behaviour: answering(503, 'busy', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }),
    status: 503,
    retryAfter: '1',
  },
  'answers 500': { behaviour: answering(500, { error: 'server_error' }), status: 503, retryAfter: '5' },
  'answers with a page': { behaviour: { kind: 'html' }, status: 502 },
  'answers with broken JSON': { behaviour: answering(200, '{"access_token":"half'), status: 502 },
  'answers with another type of JSON': { behaviour: answering(200, '["issued"]'), status: 502 },
  'answers with far too much': { behaviour: { kind: 'oversized', bytes: 400_000 }, status: 502 },
  'redirects elsewhere': { behaviour: { kind: 'redirect', status: 307 }, status: 502 },
  'issues no token': { behaviour: issuing({ access_token: '' }), status: 502 },
  'issues a number': { behaviour: issuing({ access_token: 7 }), status: 502 },
  'names no issued_token_type': { behaviour: issuing({ issued_token_type: undefined }), status: 502 },
  'names another issued_token_type': { behaviour: issuing({ issued_token_type: 'urn:x' }), status: 502 },
  'issues an unusable token_type': { behaviour: issuing({ token_type: 'mac' }), status: 502 },
  'issues N_A for an access token': { behaviour: issuing({ token_type: 'N_A' }), status: 502 },
  'issues a bound token nobody asked for': { behaviour: issuing({ token_type: 'DPoP' }), status: 502 },
  'issues Bearer instead of DPoP': { behaviour: issuing({}), status: 502, at: 'bound' },
  'wants nonce after nonce': {
    behaviour: answering(400, { error: 'use_dpop_nonce' }, { 'dpop-nonce': 'n' }),
    status: 502,
    at: 'bound',
  },
  'narrows the scope': { behaviour: issuing({ scope: 'less' }), status: 502 },
  'finds the token of the caller expired': { behaviour: answering(400, { error: 'invalid_grant' }), status: 401 },
  'finds the token of the caller invalid': { behaviour: answering(401, { error: 'invalid_token' }), status: 401 },
  'refuses this client': { behaviour: answering(401, { error: 'invalid_client' }), status: 500 },
  'says no with status 200': { behaviour: answering(200, { error: 'access_denied' }), status: 403 },
  'wants the user': { behaviour: answering(400, { error: 'interaction_required' }), status: 401 },
}

interface Gateway extends LoopbackServer {
  get(token: string): Promise<{ status: number; headers: Headers; body: string }>
}

/** A guarded route that calls a downstream service, over real sockets. */
async function startGateway(
  issuer: TestIssuer,
  service: string,
  options: Partial<OAuthClientOptions>,
  exchangeTimeoutMs = 30_000,
) {
  const client = createOAuthClient({
    issuer: issuer.issuer,
    credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }),
    allowInsecureLoopback: true,
    breaker: false,
    retry: false,
    ...options,
  })
  const grants = createGrants({ client, exchangeTimeoutMs, refusalSeconds: 0 })
  const server = createResourceServer({ resource, issuer: issuer.issuer, allowInsecureLoopback: true })
  const { requireToken, grant } = portcullis(server, { grants })
  const app = express()
  const declared = { resource: service, scope: 'read', requestedTokenType: accessTokenType }
  app.get('/', requireToken(), grant(declared), async ({ auth }, res) => {
    const response = await auth.access.fetch(service)('/')
    res.status(response.status).send(await response.text())
  })
  const listening = await listenOnLoopback(app)
  const get: Gateway['get'] = async (token) => {
    const response = await fetch(listening.origin, { headers: { authorization: `Bearer ${token}` } })
    return { status: response.status, headers: response.headers, body: await response.text() }
  }
  return { ...listening, get }
}

describe('while the token endpoint', () => {
  const issuer = createTestIssuer({ audience: resource })
  const carried: string[] = []
  let service: LoopbackServer
  let plain: Gateway
  let bound: Gateway
  let impatient: Gateway
  let impatientBound: Gateway
  let retrying: Gateway
  const rejections: unknown[] = []
  const remember = (reason: unknown) => void rejections.push(reason)

  beforeAll(async () => {
    process.on('unhandledRejection', remember)
    await issuer.listen()
    service = await listenOnLoopback((req, res) => {
      carried.push(req.headers.authorization ?? '')
      res.end('events')
    })
    plain = await startGateway(issuer, service.origin, {})
    bound = await startGateway(issuer, service.origin, { dpop: true })
    impatient = await startGateway(issuer, service.origin, {}, 2500)
    impatientBound = await startGateway(issuer, service.origin, { dpop: true }, 2500)
    retrying = await startGateway(issuer, service.origin, { retry: quickRetry })
  })
  beforeEach(() => issuer.restore())
  afterAll(async () => {
    process.off('unhandledRejection', remember)
    expect(rejections).toEqual([])
    await Promise.all([plain, bound, impatient, impatientBound, retrying, service].map((server) => server?.close()))
    await issuer.close()
  })

  it.each(Object.entries(troubles))(
    '[TX-14] [TX-12] %s, the caller is told so, and nothing goes downstream',
    async (_name, trouble) => {
      const gateway = { bound, impatient, plain }[trouble.at ?? 'plain']
      const token = issuer.mintToken()
      issuer.override('token', trouble.behaviour)
      const before = carried.length
      const answer = await gateway.get(token)
      expect(answer.status).toBe(trouble.status)
      expect(answer.headers.get('retry-after')).toBe(trouble.retryAfter ?? null)
      const challenge = answer.headers.get('www-authenticate') ?? ''
      expect(/error="(invalid_token|insufficient_user_authentication)"/.test(challenge)).toBe(trouble.status === 401)
      expect(answer.body + challenge).not.toMatch(/issued|half|eyJ/)
      expect(carried.length).toBe(before)
      issuer.restore()
      expect(await gateway.get(token)).toMatchObject({ status: 200, body: 'events' })
      expect(carried.at(-1)?.includes(token)).toBe(false)
    },
  )

  it('[TX-14] is busy twice, the client tries again, and the caller does not notice', async () => {
    const before = issuer.requestCount('token')
    issuer.override('token', { kind: 'status', status: 503 }, { times: 2 })
    expect((await retrying.get(issuer.mintToken())).status).toBe(200)
    expect(issuer.requestCount('token') - before).toBe(3)
  })

  it('[TX-14] [TX-12] [DPOP-C3] does all of it at once, no request hangs, and all is well afterwards', async () => {
    const behaviours = Object.values(troubles).map(({ behaviour }) => behaviour)
    const allowed = new Set([200, 401, 403, 500, 502, 503])
    for (let round = 0; round < behaviours.length; round += 1) {
      issuer.override('token', behaviours[(round * 11) % behaviours.length] as EndpointBehaviour, { times: 3 })
      const tokens = Array.from({ length: 4 }, () => issuer.mintToken())
      const answers = await Promise.all(tokens.flatMap((token) => [impatient.get(token), impatientBound.get(token)]))
      for (const { status, headers } of answers) {
        expect(allowed).toContain(status)
        expect(headers.has('www-authenticate')).toBe(status === 401)
      }
    }
    issuer.restore()
    const after = await Promise.all([impatient, impatientBound, retrying].map(({ get }) => get(issuer.mintToken())))
    expect(after.map(({ status }) => status)).toEqual([200, 200, 200])
  })
})
