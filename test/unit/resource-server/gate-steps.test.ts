import { createHash } from 'node:crypto'
import { createResourceServer, type Explanation, type Requirement, type ResourceServerOptions } from 'portcullis'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { AuthError, AuthErrorCode } from '../../../src/errors/index.js'
import {
  type GateStep,
  isOfGate,
  orderOfSteps,
  type Rehearsal,
  stepOf,
} from '../../../src/resource-server/gate-steps.js'
import { introspectingServer } from '../../support/introspecting-server.js'

const sections: [GateStep, string][] = [
  ['credentials', 'RFC 6750 §2'],
  ['shape', 'RFC 7519 §7.2'],
  ['issuer', 'RFC 9068 §4'],
  ['header', 'RFC 8725 §3.1'],
  ['type', 'RFC 9068 §2.1'],
  ['key', 'RFC 7515 §4.1.4'],
  ['signature', 'RFC 7515 §5.2'],
  ['introspection', 'RFC 7662 §2.2'],
  ['kind', 'RFC 8725 §3.12'],
  ['times', 'RFC 7519 §4.1.4'],
  ['claims', 'RFC 9068 §2.2'],
  ['audience', 'RFC 9068 §4'],
  ['schema', ''],
  ['binding', 'RFC 7800 §3.1'],
  ['certificate', 'RFC 8705 §3'],
  ['proof', 'RFC 9449 §4.3'],
  ['replay', 'RFC 9449 §11.1'],
  ['revocation', 'RFC 7009 §2.2'],
  ['authentication', 'RFC 9470 §3'],
  ['scope', 'RFC 6750 §3.1'],
  ['authorization_details', 'RFC 9396 §9'],
  ['roles', ''],
  ['claim_rules', ''],
  ['allow', ''],
]

describe('the steps of a gate', () => {
  it('[REAL-40] come in the order in which a gate takes them, each with its section', () => {
    expect(Object.entries(orderOfSteps(false))).toEqual(sections)
    const introspected = sections.filter(([name]) => name !== 'audience')
    const at = introspected.findIndex(([name]) => name === 'schema')
    introspected.splice(at + 1, 0, ['audience', 'RFC 9068 §4'])
    expect(Object.entries(orderOfSteps(true))).toEqual(introspected)
  })
})

const codes: Partial<Record<AuthErrorCode, GateStep>> = {
  ERR_TOKEN_MISSING: 'credentials',
  ERR_REQUEST_MALFORMED: 'shape',
  ERR_REQUEST_AMBIGUOUS: 'credentials',
  ERR_TOKEN_MALFORMED: 'shape',
  ERR_TOKEN_TOO_LARGE: 'shape',
  ERR_TOKEN_ENCRYPTED: 'shape',
  ERR_TOKEN_UNRECOGNISED: 'shape',
  ERR_TOKEN_ISSUER: 'issuer',
  ERR_ISSUER_UNAVAILABLE: 'key',
  ERR_TOKEN_ALGORITHM: 'header',
  ERR_TOKEN_CRITICAL_HEADER: 'header',
  ERR_TOKEN_TYPE: 'type',
  ERR_TOKEN_KEY_UNKNOWN: 'key',
  ERR_KEYS_UNAVAILABLE: 'key',
  ERR_TOKEN_SIGNATURE: 'signature',
  ERR_TOKEN_INACTIVE: 'introspection',
  ERR_INTROSPECTION_UNAVAILABLE: 'introspection',
  ERR_TOKEN_EXPIRED: 'times',
  ERR_TOKEN_NOT_YET_VALID: 'times',
  ERR_TOKEN_TOO_OLD: 'times',
  ERR_TOKEN_CLAIM_MISSING: 'claims',
  ERR_TOKEN_CLAIM_INVALID: 'claims',
  ERR_TOKEN_AUDIENCE: 'audience',
  ERR_TOKEN_CONFIRMATION: 'binding',
  ERR_TOKEN_BOUND: 'binding',
  ERR_TOKEN_UNBOUND: 'binding',
  ERR_TOKEN_CERTIFICATE: 'certificate',
  ERR_PROOF_MISSING: 'proof',
  ERR_PROOF_TIME: 'proof',
  ERR_PROOF_REPLAYED: 'replay',
  ERR_TOKEN_REVOKED: 'revocation',
  ERR_STORE_UNAVAILABLE: 'revocation',
  ERR_STEP_UP_REQUIRED: 'authentication',
  ERR_SCOPE_INSUFFICIENT: 'scope',
  ERR_AUTHORIZATION_DETAILS: 'authorization_details',
  ERR_ROLE_INSUFFICIENT: 'roles',
  ERR_CLAIM_REQUIREMENT: 'claim_rules',
}
const rehearsal: Rehearsal = { scheme: 'Bearer', token: 'token', credentials: {}, called: undefined }
const error = (code: AuthErrorCode, more: object = {}) => ({ code, ...more }) as AuthError

describe('the step of an error', () => {
  it.each(Object.entries(codes) as [AuthErrorCode, GateStep][])('[REAL-40] of code %s is %s', (code, step) => {
    expect(stepOf(error(code), rehearsal, false)).toBe(step)
    expect(isOfGate(error(code))).toBe(true)
    expect(stepOf(error(code), { ...rehearsal, token: undefined }, false)).toBe('credentials')
    expect(stepOf(error(code), { ...rehearsal, called: 'allow' }, false)).toBe('allow')
  })

  it.each<[string, AuthError, Partial<Rehearsal>, boolean, GateStep]>([
    ['a header', error('ERR_TOKEN_MALFORMED', { detail: 'header' }), {}, false, 'header'],
    ['a kid', error('ERR_TOKEN_MALFORMED', { detail: 'kid' }), {}, false, 'header'],
    ['the kid of another error', error('ERR_TOKEN_TYPE', { detail: 'kid' }), {}, false, 'type'],
    ['what is no access token', error('ERR_TOKEN_TYPE', { expected: 'an access token' }), {}, false, 'kind'],
    ['a type that is not listed', error('ERR_TOKEN_TYPE', { expected: ['at+jwt'] }), {}, false, 'type'],
    ['a type that was introspected', error('ERR_TOKEN_TYPE', { expected: ['bearer'] }), {}, true, 'kind'],
    ['the type of a JWT that was introspected', error('ERR_TOKEN_TYPE'), {}, true, 'type'],
    [
      'another code with that expectation',
      error('ERR_TOKEN_EXPIRED', { expected: 'an access token' }),
      {},
      true,
      'times',
    ],
    ['the claims schema', error('ERR_TOKEN_CLAIM_INVALID', { detail: 'claims schema: plan' }), {}, false, 'schema'],
    ['another claim', error('ERR_TOKEN_CLAIM_INVALID', { detail: 'not the claims schema' }), {}, false, 'claims'],
    ['a claim that is missing', error('ERR_TOKEN_CLAIM_MISSING', { detail: 'claims schema' }), {}, false, 'claims'],
    ['the replay store', error('ERR_STORE_UNAVAILABLE', { detail: 'replay store' }), {}, false, 'replay'],
    ['the store of revocations', error('ERR_STORE_UNAVAILABLE', { detail: 'revocation' }), {}, false, 'revocation'],
    ['a revoked token', error('ERR_TOKEN_REVOKED', { detail: 'replay store' }), {}, false, 'revocation'],
    ['the schema function', error('ERR_INTERNAL', { callback: 'claims' }), {}, false, 'schema'],
    ['the rule', error('ERR_INTERNAL', { callback: 'claims' }), { called: 'claim_rules' }, false, 'claim_rules'],
    ['details', error('ERR_INTERNAL', { callback: 'authorizationDetails' }), {}, false, 'authorization_details'],
    ['the issuer function', error('ERR_INTERNAL', { callback: 'issuer' }), {}, false, 'issuer'],
    ['another function', error('ERR_INTERNAL', { callback: 'other' }), {}, false, 'issuer'],
    ['the function before its code', error('ERR_TOKEN_EXPIRED', { callback: 'issuer' }), {}, false, 'issuer'],
    ['the keys of an introspection', error('ERR_KEYS_UNAVAILABLE'), {}, true, 'introspection'],
    ['the times of an introspection', error('ERR_TOKEN_EXPIRED'), {}, true, 'times'],
  ])('[REAL-40] is told apart by what is known besides: %s', (_name, given, more, isIntrospected, step) => {
    expect(stepOf(given, { ...rehearsal, ...more }, isIntrospected)).toBe(step)
  })

  it('[REAL-40] is none where it came up behind the gate', () => {
    for (const code of ['ERR_GRANT_REFUSED', 'ERR_INTERNAL', 'ERR_CONFIGURATION'] as const) {
      expect(isOfGate(error(code))).toBe(false)
      expect(stepOf(error(code), rehearsal, false)).toBe('issuer')
    }
    expect(isOfGate(error('ERR_TOKEN_BINDING_MISMATCH'))).toBe(true)
    expect(isOfGate(error('ERR_PROOF_TIME'))).toBe(true)
    expect(isOfGate(error('ERR_INTERNAL', { callback: 'allow' }))).toBe(true)
  })
})

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())
const resource = 'https://api.example.com'
const now = new Date(clock.now()).toISOString()

function explain(claims: object, requirement?: Requirement, options: Partial<ResourceServerOptions> = {}) {
  const server = createResourceServer({
    ...{ resource, issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now },
    ...options,
  } as ResourceServerOptions)
  const { header = {}, ...payload } = claims as { header?: object }
  const authorization = `Bearer ${issuer.mintToken(payload, { header: { ...header } })}`
  return server.explain(requestFacts({ headers: { authorization } }), requirement)
}

/** What was compared in each of the steps that were checked. */
function compared({ steps }: Explanation): Record<string, unknown> {
  const checked = steps.filter(({ outcome }) => outcome !== 'not_checked')
  return Object.fromEntries(checked.map(({ name, expected, received }) => [name, [expected, received]]))
}

describe('what each step compares', () => {
  it('[REAL-40] is told of a token that is let through, and of no step that there was nothing to check in', async () => {
    const seconds = Math.floor(clock.now() / 1000)
    const at = (offset: number) => new Date((seconds + offset) * 1000).toISOString()
    const told = await explain({ exp: seconds + 60, iat: seconds - 5, nbf: seconds - 7, header: { kid: undefined } })
    const nothing = [undefined, undefined]
    expect(compared(told)).toEqual({
      credentials: [['header'], 'Bearer by header'],
      shape: [['JWT'], 'JWT'],
      issuer: [[issuer.issuer], issuer.issuer],
      header: [expect.arrayContaining(['ES256', 'RS256']), expect.stringMatching(/^[ERP]S256$/)],
      type: [['at+jwt'], 'at+jwt'],
      key: [undefined, expect.any(String)],
      signature: nothing,
      kind: ['an access token', expect.anything()],
      times: [`now ${now}`, [`exp ${at(60)}`, `nbf ${at(-7)}`, `iat ${at(-5)}`]],
      claims: [undefined, expect.arrayContaining(['iss', 'aud', 'exp', 'sub'])],
      audience: [[resource], resource],
      binding: [['dpop allowed', 'mtls allowed'], ['Bearer']],
      revocation: nothing,
    })
  })

  it('[REAL-40] is told of every part of a requirement', async () => {
    const details = [{ type: 'pay' }]
    const claims = { scope: 'read', acr: 'high', roles: ['admin'], plan: 'gold', authorization_details: details }
    const requirement: Requirement = {
      ...{ scope: 'read', acr: 'high', roles: 'admin', claims: { plan: 'gold' }, allow: () => true },
      authorizationDetails: { pay: () => true },
    }
    const of = compared(await explain(claims, requirement, { claims: z.looseObject({ plan: z.string() }) } as never))
    expect(of).toMatchObject({
      schema: [undefined, undefined],
      authentication: [expect.anything(), 'high'],
      scope: [['read'], 'read'],
      authorization_details: [['pay'], undefined],
      roles: [undefined, undefined],
      claim_rules: [undefined, undefined],
      allow: [undefined, undefined],
    })
    const aged = compared(await explain({ auth_time: Math.floor(clock.now() / 1000) }, { maxAgeSeconds: 60 }))
    expect(aged).toHaveProperty('authentication')
    expect(Object.keys(aged)).not.toContain('scope')
  })

  it('[REAL-40] is told of bound tokens by the members that bind them', async () => {
    const certified = await explain({ cnf: { 'x5t#S256': 'print' } })
    expect(certified.failed).toBe('certificate')
    expect(compared(certified)['binding']).toEqual([
      ['dpop allowed', 'mtls allowed'],
      ['Bearer', 'cnf.x5t#S256'],
    ])
    for (const cnf of [null, 'text', 7]) {
      const { steps } = await explain({ cnf })
      const [binding, certificate, proof] = ['binding', 'certificate', 'proof'].map((wanted) =>
        steps.find(({ name }) => name === wanted),
      )
      expect([certificate?.outcome, proof?.outcome]).not.toContain('passed')
      expect(binding?.outcome).not.toBe('not_checked')
    }
    const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now })
    const client = createDpopClient({ clock: clock.now })
    const token = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const proof = client.proof({ method: 'GET', url: `${resource}/me`, accessToken: token })
    const facts = requestFacts({ url: '/me', headers: { authorization: `DPoP ${token}`, dpop: proof } })
    const proven = await server.explain(facts)
    expect(compared(proven)).toMatchObject({
      credentials: [['header'], 'DPoP by header'],
      binding: [
        ['dpop allowed', 'mtls allowed'],
        ['DPoP', 'cnf.jkt'],
      ],
      proof: [undefined, undefined],
    })
    expect(compared(proven)).not.toHaveProperty('certificate')
    expect(compared(proven)).not.toHaveProperty('replay')
  })

  it('[REAL-40] is told of a header that does not say what it is, and of times nobody can read', async () => {
    const told = await explain({ exp: 1e300, nbf: 'text', header: { typ: undefined } })
    expect(told).toMatchObject({ failed: 'type' })
    const type = told.steps.find(({ name }) => name === 'type')
    expect(type).toMatchObject({ expected: ['at+jwt'], received: '(null)' })
    const endless = await explain({ exp: 1e300 }, { scope: 'none' })
    const times = endless.steps.find(({ name }) => name === 'times')
    expect(times?.received).toEqual(['exp 1e+300', expect.stringMatching(/^iat 20/)])
    const last = compared(await explain({ exp: 8.64e12 }))['times']
    expect(last).toEqual([`now ${now}`, ['exp +275760-09-13T00:00:00.000Z', `iat ${now}`]])
  })

  it('[REAL-40] is told of a token without type and key where those are taken', async () => {
    const settings = { issuer: { issuer: issuer.issuer, tokenTypes: ['at+jwt', null] } } as never
    const header = { typ: undefined, kid: undefined }
    const told = compared(await explain({ scope: 'read', header }, undefined, settings))
    expect(told['type']).toEqual([['at+jwt', 'no typ'], 'no typ'])
    expect(told['key']).toEqual([undefined, 'no kid'])
  })

  it('[REAL-40] is told of the algorithms of its own issuer alone', async () => {
    const other = { issuer: 'https://other.test', algorithms: ['RS256'] }
    const settings = { issuer: [other, { issuer: issuer.issuer, algorithms: ['ES256'] }] } as never
    expect(compared(await explain({}, undefined, settings))['header']).toEqual([['ES256'], 'ES256'])
  })

  it('[REAL-40] is told of the certificate that a token is bound to', async () => {
    const clientCertificate = new Uint8Array([1, 2, 3])
    const thumbprint = createHash('sha256').update(clientCertificate).digest('base64url')
    const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now })
    const authorization = `Bearer ${issuer.mintToken({ cnf: { 'x5t#S256': thumbprint } })}`
    const told = await server.explain(requestFacts({ headers: { authorization }, clientCertificate }))
    expect(told.ok).toBe(true)
    expect(compared(told)).toHaveProperty('certificate')
  })

  it('[REAL-40] is told of a JWT that is introspected', async () => {
    const { server, issuer: other } = introspectingServer({ introspection: { introspectJwts: true } })
    const of = compared(await server.explainToken(other.mintToken()))
    expect(of).toHaveProperty('introspection')
    for (const name of ['header', 'type', 'key', 'signature', 'kind']) expect(of).not.toHaveProperty(name)
  })

  it('[REAL-40] is told of opaque tokens where those are introspected', async () => {
    const { server, issuer: other } = introspectingServer()
    const of = compared(await server.explainToken(other.mintOpaqueToken()))
    expect(of).toMatchObject({ shape: [['JWT', 'opaque'], 'opaque'], introspection: [undefined, undefined] })
    for (const name of ['issuer', 'header', 'type', 'key', 'signature', 'kind']) expect(of).not.toHaveProperty(name)
    const strange = await explain({ iss: 'https://other.test' })
    expect(strange.steps.find(({ name }) => name === 'header')).toMatchObject({ expected: undefined })
  })
})
