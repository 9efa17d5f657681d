import {
  createResourceServer,
  type Explanation,
  InvalidTokenError,
  type PortcullisEvent,
  type Requirement,
  type ResourceServerOptions,
} from 'portcullis'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { introspectingServer } from '../../support/introspecting-server.js'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())
const resource = 'https://api.example.com'

function setUp(options: Partial<ResourceServerOptions> = {}) {
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
    onEvent: (event) => events.push(event),
    ...options,
  } as ResourceServerOptions)
  const explain = (token: string, requirement?: Requirement) =>
    server.explain(requestFacts({ headers: { authorization: `Bearer ${token}` } }), requirement)
  return { server, events, explain }
}

const outcomes = ({ steps }: Explanation) => Object.fromEntries(steps.map(({ name, outcome }) => [name, outcome]))
const step = ({ steps }: Explanation, wanted: string) => steps.find(({ name }) => name === wanted)

describe('server.explain', () => {
  it('[REAL-40] tells every step of a request that is let through, what was expected and what came', async () => {
    const { explain, events } = setUp()
    const requirement = {
      scope: 'read write',
      acr: 'high',
      roles: 'admin',
      claims: { plan: 'gold' },
      allow: () => true,
    }
    const told = await explain(
      issuer.mintToken({ scope: 'write read', acr: 'high', roles: ['admin'], plan: 'gold' }),
      requirement,
    )
    expect(told).toMatchObject({ ok: true, failed: undefined, code: undefined, status: undefined, resource })
    const unchecked = ['introspection', 'schema', 'certificate', 'proof', 'replay', 'authorization_details']
    const names = told.steps.map(({ name }) => name)
    expect(outcomes(told)).toEqual(
      Object.fromEntries(names.map((name) => [name, unchecked.includes(name) ? 'not_checked' : 'passed'])),
    )
    expect(step(told, 'audience')).toMatchObject({ expected: [resource], received: resource, rule: 'RFC 9068 §4' })
    expect(step(told, 'type')).toMatchObject({ expected: ['at+jwt'], received: 'at+jwt' })
    expect(step(told, 'scope')).toMatchObject({ expected: ['read', 'write'], received: 'write read' })
    expect(step(told, 'times')).toMatchObject({ expected: `now ${new Date(clock.now()).toISOString()}` })
    expect(events.filter(({ type }) => type.startsWith('auth.'))).toEqual([])
  })

  it.each([
    ['', {}, {}, 'credentials', 'ERR_TOKEN_MISSING'],
    ['Bearer', {}, {}, 'credentials', 'ERR_REQUEST_MALFORMED'],
    ['DPoP abc', { dpop: 'off' }, {}, 'credentials', 'ERR_TOKEN_MISSING'],
    ['Bearer a"b', {}, {}, 'shape', 'ERR_REQUEST_MALFORMED'],
    ['Bearer opaque', {}, {}, 'shape', 'ERR_TOKEN_UNRECOGNISED'],
    [{ iss: 'https://other.test' }, {}, {}, 'issuer', 'ERR_TOKEN_ISSUER'],
    [{ header: { alg: 'none' } }, {}, {}, 'header', 'ERR_TOKEN_ALGORITHM'],
    [{ header: { kid: 5 } }, {}, {}, 'header', 'ERR_TOKEN_MALFORMED'],
    [{ header: { typ: 'JWT' } }, {}, {}, 'type', 'ERR_TOKEN_TYPE'],
    [{ header: { kid: 'unknown' } }, {}, {}, 'key', 'ERR_TOKEN_KEY_UNKNOWN'],
    [{ token_use: 'id' }, {}, {}, 'kind', 'ERR_TOKEN_TYPE'],
    [{ exp: 1 }, {}, {}, 'times', 'ERR_TOKEN_EXPIRED'],
    [{ exp: 1e300 }, {}, { scope: 'no' }, 'scope', 'ERR_SCOPE_INSUFFICIENT'],
    [{ jti: undefined }, {}, {}, 'claims', 'ERR_TOKEN_CLAIM_MISSING'],
    [{ aud: 'https://other.test' }, {}, {}, 'audience', 'ERR_TOKEN_AUDIENCE'],
    [{}, { claims: z.object({ plan: z.string() }) }, {}, 'schema', 'ERR_TOKEN_CLAIM_INVALID'],
    [
      {},
      {
        claims: z.object({}).transform(() => {
          throw new Error('mine')
        }),
      },
      {},
      'schema',
      'ERR_INTERNAL',
    ],
    [{ cnf: { kid: '1' } }, {}, {}, 'binding', 'ERR_TOKEN_CONFIRMATION'],
    [{ cnf: { 'x5t#S256': 'thumb' } }, {}, {}, 'certificate', 'ERR_TOKEN_CERTIFICATE'],
    [{}, { isRevoked: () => true }, {}, 'revocation', 'ERR_TOKEN_REVOKED'],
    [{ acr: 'low' }, {}, { acr: 'high' }, 'authentication', 'ERR_STEP_UP_REQUIRED'],
    [{}, {}, { authorizationDetails: { pay: () => true } }, 'authorization_details', 'ERR_AUTHORIZATION_DETAILS'],
    [
      { authorization_details: [{ type: 'pay' }] },
      {},
      { authorizationDetails: { pay: () => Promise.resolve(true) } as never },
      'authorization_details',
      'ERR_INTERNAL',
    ],
    [{}, {}, { roles: 'admin' }, 'roles', 'ERR_ROLE_INSUFFICIENT'],
    [{}, {}, { claims: { plan: 'gold' } }, 'claim_rules', 'ERR_CLAIM_REQUIREMENT'],
    [
      {},
      {},
      {
        claims: () => {
          throw new Error('mine')
        },
      },
      'claim_rules',
      'ERR_INTERNAL',
    ],
    [{}, {}, { allow: () => false }, 'allow', 'ERR_CLAIM_REQUIREMENT'],
    [
      {},
      {},
      {
        claims: () => true,
        allow: () => {
          throw new InvalidTokenError('ERR_TOKEN_EXPIRED')
        },
      },
      'allow',
      'ERR_TOKEN_EXPIRED',
    ],
    [
      {},
      {
        issuer: () => {
          throw new Error('mine')
        },
        tenants: [issuer.issuer],
      },
      {},
      'issuer',
      'ERR_ISSUER_UNAVAILABLE',
    ],
    [{}, { issuer: () => ({ tokenHeader: 'X-T' }), tenants: [issuer.issuer] }, {}, 'issuer', 'ERR_CONFIGURATION'],
  ] as [string | Record<string, unknown>, Partial<ResourceServerOptions>, Requirement, string, string][])(
    '[REAL-40] names the step of a refusal: %o, %o, %o',
    async (given, options, requirement, failed, code) => {
      const { server } = setUp(options)
      const { header = {}, ...claims } = typeof given === 'string' ? {} : (given as { header?: object })
      const authorization =
        typeof given === 'string' ? given : `Bearer ${issuer.mintToken(claims, { header: { ...header } })}`
      const facts = requestFacts({ headers: authorization === '' ? {} : { authorization } })
      const told = await server.explain(facts, requirement)
      expect([told.failed, told.code, told.ok]).toEqual([failed, code, false])
      expect(told.sentence).toBeTruthy()
      const at = told.steps.findIndex(({ name }) => name === failed)
      expect(told.steps.slice(at + 1).every(({ outcome }) => outcome === 'skipped')).toBe(true)
      expect(told.steps.slice(0, at).every(({ outcome }) => outcome === 'passed' || outcome === 'not_checked')).toBe(
        true,
      )
      const result = await server.authenticate(facts, requirement)
      expect(result.ok || result.error.code).toBe(code)
      expect(result.ok || result.error.status).toBe(told.status)
    },
  )

  it('[REAL-40] uses no proof up, and knows of a replay where it is asked about a request that was judged', async () => {
    const { server } = setUp()
    const client = createDpopClient({ clock: clock.now })
    const token = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const proof = client.proof({ method: 'GET', url: `${resource}/me`, accessToken: token })
    const facts = (request: object) => ({
      ...requestFacts({ url: '/me', headers: { authorization: `DPoP ${token}`, dpop: proof } }),
      request,
    })
    const [first, second] = [{}, {}]
    const before = await server.explain(facts(first))
    expect(before).toMatchObject({ ok: true })
    expect(outcomes(before)).toMatchObject({ proof: 'passed', replay: 'not_checked' })
    expect(await server.authenticate(facts(first))).toMatchObject({ ok: true })
    expect(await server.explain(facts(second))).toMatchObject({ ok: true })
    expect(await server.authenticate(facts(second))).toMatchObject({ ok: false })
    expect(await server.explain(facts(second))).toMatchObject({ code: 'ERR_PROOF_REPLAYED', failed: 'replay' })
    expect(await server.explain(facts(first))).toMatchObject({ ok: true })
    const other = { ...facts({}), method: 'POST' }
    expect(await server.explain(other)).toMatchObject({ code: 'ERR_PROOF_METHOD', failed: 'proof' })
  })

  it('[REAL-40] knows that the replay store failed for a request that was judged', async () => {
    const replayStore = { reserve: () => Promise.reject(new Error('down')) }
    const { server } = setUp({ dpop: { replayStore } })
    const client = createDpopClient({ clock: clock.now })
    const token = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const proof = client.proof({ method: 'GET', url: `${resource}/`, accessToken: token })
    const facts = { ...requestFacts({ headers: { authorization: `DPoP ${token}`, dpop: proof } }), request: {} }
    await server.authenticate(facts)
    expect(await server.explain(facts)).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', failed: 'replay', status: 503 })
  })

  it('[REAL-40] explains tokens that are introspected', async () => {
    const { server, issuer: other } = introspectingServer({ introspection: { introspectJwts: true } })
    const told = await server.explainToken(other.mintOpaqueToken({ scope: 'read' }), { scope: 'read' })
    expect(told.ok).toBe(true)
    expect(outcomes(told)).toMatchObject({
      shape: 'passed',
      introspection: 'passed',
      key: 'not_checked',
      issuer: 'not_checked',
    })
    const names = told.steps.map(({ name }) => name)
    expect(names.indexOf('schema')).toBeLessThan(names.indexOf('audience'))
    expect(await server.explainToken('opaque')).toMatchObject({
      failed: 'introspection',
      code: 'ERR_TOKEN_INACTIVE',
    })
    expect(await server.explainToken(other.mintToken({}, { header: { typ: 'dpop+jwt' } }))).toMatchObject({
      failed: 'type',
    })
    const mac = other.mintOpaqueToken({ token_type: 'mac' })
    expect(await server.explainToken(mac)).toMatchObject({ failed: 'kind', code: 'ERR_TOKEN_TYPE' })
  })

  it('[REAL-40] puts the keys of a signed answer to the step of introspection', async () => {
    const authorizationServer = { metadata: { jwks_uri: 'https://issuer.test/nothing' } }
    const { server, issuer: other } = introspectingServer({
      introspection: { signedResponse: true },
      authorizationServer,
    })
    const told = await server.explainToken(other.mintOpaqueToken())
    expect(told).toMatchObject({ failed: 'introspection', status: 503 })
  })

  it('[REAL-40] tells what the error says it compared, and what the step compares where it says nothing', async () => {
    const { server, explain } = setUp()
    expect(step(await explain(issuer.mintToken({ exp: 1 })), 'times')).toMatchObject({
      expected: expect.stringMatching(/^before /),
    })
    const missing = await server.explain(requestFacts())
    expect(missing.steps[0]).toMatchObject({ name: 'credentials', expected: ['header'], received: 'no usable token' })
    expect(missing.steps.map(({ name }) => name)).toEqual(
      (await explain(issuer.mintToken())).steps.map(({ name }) => name),
    )
    expect(step(await server.explainToken(issuer.mintToken()), 'binding')).toMatchObject({ received: ['Bearer'] })
  })

  it('[REAL-40] rejects for a requirement that cannot be right, and for nothing else', async () => {
    const { server } = setUp()
    for (const wrong of [null, { scopes: 'read' }, { allow: 5 }, { claims: 5 }] as never[]) {
      await expect(server.explain(requestFacts({}), wrong)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
      await expect(server.explainToken('x', wrong)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
    }
    expect(await server.explainToken(5 as never)).toMatchObject({
      code: 'ERR_REQUEST_MALFORMED',
      failed: 'credentials',
    })
    const broken = {
      ...requestFacts({}),
      headerValues: () => {
        throw new Error('facts')
      },
    }
    expect(await server.explain(broken)).toMatchObject({ code: 'ERR_INTERNAL', status: 500, failed: 'credentials' })
  })
})
