import {
  type AuthorizationDetail,
  createResourceServer,
  type ResourceServer,
  type ResourceServerOptions,
} from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { ConfigurationError, type PortcullisEvent } from '../../../src/index.js'

const resource = 'https://api.example.com'

function setUp(options: Partial<ResourceServerOptions> = {}) {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now, audience: resource })
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
    onEvent: (event) => events.push(event),
    ...options,
  })
  const call = (token: string, requirement?: Parameters<typeof server.authenticate>[1]) =>
    server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }), requirement)
  return { clock, issuer, server, events, call }
}

const codeOf = (result: { readonly ok: boolean; readonly error?: { readonly code: string } }) =>
  result.ok ? 'ok' : result.error?.code

describe('check', () => {
  it('judges at once what a guard let through, however many tokens came and whether any is remembered', async () => {
    const { clock, issuer, server, call } = setUp({ tokenCacheEntries: 0 })
    const result = await call(issuer.mintToken({ scope: 'read' }))
    if (!result.ok) throw result.error
    const { auth } = result
    // More than are checked on the main thread in one turn.
    for (let n = 0; n < 100; n++) server.check(auth, { scope: 'read' })
    const codeOfCheck = (one: ResourceServer, scope: string) => {
      try {
        one.check(auth, { scope })
        return 'ok'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(codeOfCheck(server, 'write')).toBe('ERR_SCOPE_INSUFFICIENT')
    clock.advance(600_000)
    expect(codeOfCheck(server, 'read')).toBe('ERR_TOKEN_EXPIRED')
    issuer.override('jwks', { kind: 'hang' })
    clock.advance(86_400_000)
    expect(codeOfCheck(server, 'read')).toBe('ERR_CONFIGURATION')
  })

  it.each([
    ['of another issuer', 'https://other.test', 'ERR_TOKEN_ISSUER'],
    // The key of the token is not among those it has: it would have to fetch them again.
    ['of an issuer of the same name with other keys', undefined, 'ERR_CONFIGURATION'],
  ])('takes no other server at its word: one %s', async (_, name, code) => {
    const { issuer, call, clock } = setUp()
    const other = createTestIssuer({ issuer: name ?? issuer.issuer, audience: resource, clock: clock.now })
    const stranger = createResourceServer({ resource, issuer: other.issuer, fetch: other.fetch, clock: clock.now })
    const headers = { authorization: `Bearer ${other.mintToken()}` }
    expect(codeOf(await stranger.authenticate(requestFacts({ headers })))).toBe('ok')
    const result = await call(issuer.mintToken())
    if (!result.ok) throw result.error
    const { auth } = result
    expect(() => stranger.check(auth, {})).toThrow(expect.objectContaining({ code }))
  })
})

describe('authenticate', () => {
  it('works where no token is remembered: each is verified anew, a bound one with its proof', async () => {
    const { clock, issuer, server, call } = setUp({ tokenCacheEntries: 0 })
    const token = issuer.mintToken({ scope: 'read' })
    for (const expected of ['ok', 'ok']) expect(codeOf(await call(token, { scope: 'read' }))).toBe(expected)
    const client = createDpopClient({ clock: clock.now })
    const bound = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const prove = (accessToken: string) => {
      const dpop = client.proof({ method: 'GET', url: `${resource}/`, accessToken })
      return server.authenticate(requestFacts({ headers: { authorization: `DPoP ${bound}`, dpop } }))
    }
    expect(codeOf(await prove(bound))).toBe('ok')
    expect(codeOf(await prove(token))).toBe('ERR_PROOF_TOKEN_HASH')
  })

  it('[BEAR-01] [S4-06] [S4-41] lets a good token through, and says what it found', async () => {
    const { issuer, call, events } = setUp()
    const token = issuer.mintToken({ scope: 'read write', roles: ['admin'] })
    const result = await call(token, { scope: 'write' })
    expect(result).toMatchObject({
      ok: true,
      headers: {},
      auth: {
        scheme: 'Bearer',
        resource,
        issuer: issuer.issuer,
        subject: 'user-1',
        clientId: 'test-client',
        scopes: ['read', 'write'],
        roles: ['admin'],
        confirmation: undefined,
        isClientToken: undefined,
      },
    })
    expect(result.ok && result.auth.token).toBe(token)
    expect(result.ok && result.headers).toEqual({})
    expect(events.at(-1)).toMatchObject({ type: 'auth.accepted', issuer: issuer.issuer, resource, scheme: 'Bearer' })
  })

  it('[HTTP-04] [BEAR-06] [BEAR-10] answers a request without credentials by a challenge without error', async () => {
    const { server } = setUp()
    const result = await server.authenticate(requestFacts())
    expect(result).toMatchObject({ ok: false, answer: { status: 401 } })
    if (result.ok) return
    const [bearer] = result.answer.headers['WWW-Authenticate'] as readonly string[]
    expect(bearer).toMatch(
      /^Bearer resource_metadata="https:\/\/api\.example\.com\/\.well-known\/oauth-protected-resource"/,
    )
    expect(bearer).not.toContain('error')
  })

  it('[BEAR-09] [BEAR-11] [AT-07] [S4-29] [S4-40] answers every unusable token by 401 invalid_token', async () => {
    const { issuer, call } = setUp()
    const wrong = {
      ERR_TOKEN_SIGNATURE: issuer.mintToken({}, { tamper: 'signature' }),
      ERR_TOKEN_AUDIENCE: issuer.mintToken({ aud: 'https://other.test' }),
      ERR_TOKEN_ISSUER: issuer.mintToken({ iss: 'https://other.test' }),
      ERR_TOKEN_EXPIRED: issuer.mintToken({}, { lifetimeSeconds: -100 }),
      ERR_TOKEN_TYPE: issuer.mintToken({}, { header: { typ: 'JWT' } }),
      ERR_TOKEN_KEY_UNKNOWN: issuer.mintToken({}, { header: { kid: 'another' } }),
      ERR_TOKEN_CLAIM_MISSING: issuer.mintToken({ sub: undefined }),
      ERR_TOKEN_CLAIM_INVALID: issuer.mintToken({ exp: 'tomorrow' }),
      ERR_TOKEN_MALFORMED: 'e30.b.c',
      ERR_TOKEN_UNRECOGNISED: 'opaque',
      ERR_TOKEN_TOO_LARGE: 'a'.repeat(20_000),
    }
    const longest = 16 * 1024
    expect(codeOf(await call('a'.repeat(longest)))).toBe('ERR_TOKEN_UNRECOGNISED')
    expect(codeOf(await call('a'.repeat(longest + 1)))).toBe('ERR_TOKEN_TOO_LARGE')
    for (const [code, token] of Object.entries(wrong)) {
      const result = await call(token)
      expect(codeOf(result), code).toBe(code)
      if (result.ok) continue
      expect(result.answer.status, code).toBe(401)
      expect(String(result.answer.headers['WWW-Authenticate']), code).toContain('error="invalid_token"')
    }
  })

  it('[BEAR-09] [E-05] answers a lack of scope by 403 insufficient_scope, naming the scopes', async () => {
    const { issuer, call } = setUp()
    const result = await call(issuer.mintToken({ scope: 'read' }), { scope: 'read write' })
    expect(result).toMatchObject({ ok: false, answer: { status: 403 } })
    expect(!result.ok && String(result.answer.headers['WWW-Authenticate'])).toMatch(
      /error="insufficient_scope".*scope="read write"/,
    )
  })

  it('[STEP-01] [STEP-02] [E-06] answers a weak authentication by 401 insufficient_user_authentication', async () => {
    const { issuer, call } = setUp()
    const result = await call(issuer.mintToken({ acr: 'pwd' }), { acr: ['phr', 'mfa'], maxAgeSeconds: 300 })
    expect(result).toMatchObject({ ok: false, answer: { status: 401 } })
    const challenge = !result.ok && String(result.answer.headers['WWW-Authenticate'])
    expect(challenge).toMatch(/error="insufficient_user_authentication"/)
    expect(challenge).toMatch(/acr_values="phr mfa"/)
    expect(challenge).toMatch(/max_age="300"/)
  })

  it('[STEP-06] tells nothing of its policy to a token that is no good otherwise', async () => {
    const { issuer, call } = setUp()
    for (const wrong of [{ aud: 'https://other.test' }, { exp: 1 }, { cnf: { jkt: 'x' } }, { act: 'x' }]) {
      const result = await call(issuer.mintToken(wrong), { acr: 'mfa', scope: 'admin' })
      const challenge = result.ok ? '' : String(result.answer.headers['WWW-Authenticate'])
      expect(challenge, JSON.stringify(wrong)).toContain('invalid_token')
      expect(challenge).not.toContain('acr_values')
    }
  })

  it('[STEP-06] tells nothing of its policy to a token that was revoked', async () => {
    const { issuer, call } = setUp({ isRevoked: () => true })
    expect(codeOf(await call(issuer.mintToken(), { acr: 'mfa' }))).toBe('ERR_TOKEN_REVOKED')
    expect(codeOf(await call(issuer.mintToken(), { scope: 'admin' }))).toBe('ERR_TOKEN_REVOKED')
  })

  it('[STEP-03] [STEP-04] lets a token with the acr and a recent authentication through', async () => {
    const { issuer, call, clock } = setUp()
    const token = issuer.mintToken({ acr: 'mfa', auth_time: clock.now() / 1000 - 200 })
    const requirement = { acr: 'mfa', maxAgeSeconds: 120 }
    expect(codeOf(await call(token, requirement))).toBe('ERR_STEP_UP_REQUIRED')
    expect(codeOf(await call(token, { ...requirement, maxAgeSeconds: 300 }))).toBe('ok')
  })

  it('[RAR-02] refuses authorization details that are no array of objects with a type', async () => {
    const { issuer, call } = setUp()
    for (const details of [{}, 'x', null, [null], ['x'], [{}], [{ type: 1 }], [[{ type: 'a' }]], [{ type: 'a' }, {}]]) {
      const result = await call(issuer.mintToken({ authorization_details: details }))
      expect(codeOf(result), JSON.stringify(details)).toBe('ERR_TOKEN_CLAIM_INVALID')
    }
    expect(codeOf(await call(issuer.mintToken({ authorization_details: [] })))).toBe('ok')
  })

  it('[RAR-01] [RAR-04] reads authorization details and holds them against the resource', async () => {
    const { issuer, call } = setUp()
    const detail = { type: 'payment', locations: [resource], actions: ['initiate'], identifier: 'x' }
    const authorizationDetails = {
      payment: (granted: AuthorizationDetail) => String(granted['actions']) === 'initiate',
    }
    const check = async (details: unknown) =>
      codeOf(await call(issuer.mintToken({ authorization_details: details }), { authorizationDetails }))
    expect(await check([{ type: 'unknown', anything: [1] }, detail])).toBe('ok')
    expect(await check([{ ...detail, locations: ['https://other.test'] }])).toBe('ERR_AUTHORIZATION_DETAILS')
    expect(await check(undefined)).toBe('ERR_AUTHORIZATION_DETAILS')
  })

  it('[E-13] [C-17] answers 503 without a challenge while the keys cannot be fetched', async () => {
    const { issuer, call } = setUp()
    issuer.override('jwks', { kind: 'down' })
    const result = await call(issuer.mintToken())
    expect(result).toMatchObject({ ok: false, answer: { status: 503 } })
    expect(!result.ok && result.answer.headers['WWW-Authenticate']).toBeFalsy()
  })

  it('[E-14] answers 500 with an empty body when a function of the application throws', async () => {
    const { issuer, call, events } = setUp()
    const fail = () => {
      throw new Error('secret of the database')
    }
    for (const requirement of [{ allow: fail }, { claims: fail }, { claims: { sub: fail } }]) {
      const result = await call(issuer.mintToken(), requirement)
      expect(result).toMatchObject({ ok: false, answer: { status: 500, body: '' } })
      expect(JSON.stringify([!result.ok && result.answer, events])).not.toContain('secret')
      expect(!result.ok && result.error.cause).toBeInstanceOf(Error)
    }
  })

  it('[E-14] answers 500 when the facts of the request themselves throw', async () => {
    const { server } = setUp({ resource: { resource, bearerMethods: ['header', 'body'] } })
    const fail = () => {
      throw new Error('no such header')
    }
    const facts = requestFacts({ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } })
    for (const broken of [{ ...facts, headerValues: fail }, { ...facts, formBody: fail }, {} as never]) {
      expect(await server.authenticate(broken)).toMatchObject({ ok: false, answer: { status: 500, body: '' } })
      expect(await server.optionalGuard()(broken)).toMatchObject({ ok: false, answer: { status: 500 } })
    }
  })

  it('[REAL-45] [REAL-26] calls a form that nothing parsed a fault of the application, for guards of either kind', async () => {
    const { server } = setUp({ resource: { resource, bearerMethods: ['header', 'body'] } })
    const facts = requestFacts({ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } })
    for (const guard of [server.guard(), server.optionalGuard()]) {
      const result = await guard(facts)
      expect(result).toMatchObject({ ok: false, fault: true, answer: { status: 500, body: '' } })
      expect(!result.ok && result.error).toMatchObject({
        code: 'ERR_CONFIGURATION',
        message: expect.stringMatching(/body parser/),
      })
    }
  })

  it('asks the application last, and takes nothing but true for a yes', async () => {
    const { issuer, call } = setUp()
    expect(codeOf(await call(issuer.mintToken(), { allow: ({ subject }) => subject === 'user-1' }))).toBe('ok')
    expect(codeOf(await call(issuer.mintToken(), { allow: async () => true }))).toBe('ok')
    for (const answer of [false, undefined, 1, 'yes']) {
      const result = await call(issuer.mintToken(), { allow: () => answer as boolean })
      expect(result).toMatchObject({ ok: false, answer: { status: 403 } })
    }
    let asked = 0
    await call(issuer.mintToken({ scope: 'read' }), { scope: 'write', allow: () => ++asked > 0 })
    expect(asked).toBe(0)
  })

  it('refuses what isRevoked does not deny, and is unavailable when it fails', async () => {
    const answers: unknown[] = [true, undefined, 'no', 0]
    const { issuer, call } = setUp({ isRevoked: () => answers.shift() as boolean })
    for (let left = answers.length; left > 0; left--)
      expect(codeOf(await call(issuer.mintToken()))).toBe('ERR_TOKEN_REVOKED')
    const failing = setUp({ isRevoked: async () => Promise.reject(new Error('down')) })
    expect(await failing.call(failing.issuer.mintToken())).toMatchObject({ ok: false, answer: { status: 503 } })
    const fine = setUp({ isRevoked: async ({ subject }) => subject !== 'user-1' })
    expect(codeOf(await fine.call(fine.issuer.mintToken()))).toBe('ok')
    expect(codeOf(await fine.call(fine.issuer.mintToken(), { scope: 'write' }))).toBe('ERR_SCOPE_INSUFFICIENT')
    expect(codeOf(await fine.call(fine.issuer.mintToken(), { allow: () => false }))).toBe('ERR_CLAIM_REQUIREMENT')
  })

  it('[BEAR-04] keeps answers to requests with a token in the query out of shared caches', async () => {
    const { issuer, server } = setUp({ resource: { resource, bearerMethods: ['header', 'query'] } })
    const result = await server.authenticate(requestFacts({ url: `/?access_token=${issuer.mintToken()}` }))
    expect(result).toMatchObject({ ok: true, headers: { 'Cache-Control': 'private' } })
  })

  it('[C-03] [E-03] answers several methods by 400 on every scheme offered', async () => {
    const { server } = setUp()
    const result = await server.authenticate(requestFacts({ headers: { authorization: ['Bearer a', 'DPoP b'] } }))
    expect(result).toMatchObject({ ok: false, answer: { status: 400 } })
    const challenges = (!result.ok && result.answer.headers['WWW-Authenticate']) as readonly string[]
    expect(challenges).toHaveLength(2)
    expect(challenges[0]).toMatch(/^Bearer .*error="invalid_request"/)
    expect(challenges[1]).toMatch(/^DPoP .*error="invalid_request"/)
  })

  it('[E-01] offers the schemes that the route takes, and no other', async () => {
    const offered = async (dpop: 'off' | 'allowed' | 'required', atRoute?: 'off' | 'required') => {
      const { server } = setUp({ dpop })
      const result = await server.authenticate(requestFacts(), { dpop: atRoute })
      const challenges = [!result.ok && result.answer.headers['WWW-Authenticate']].flat()
      return challenges.map((challenge) => String(challenge).split(' ')[0])
    }
    expect(await offered('off')).toEqual(['Bearer'])
    expect(await offered('allowed')).toEqual(['Bearer', 'DPoP'])
    expect(await offered('required')).toEqual(['DPoP'])
    expect(await offered('allowed', 'off')).toEqual(['Bearer'])
    expect(await offered('allowed', 'required')).toEqual(['DPoP'])
  })

  it('[E-02] answers malformed credentials by 400 on the scheme used', async () => {
    const { call, issuer } = setUp()
    for (const token of ['', 'a b', 'a,b', `${issuer.mintToken()} `, 'ü', '"a"']) {
      const result = await call(token)
      expect(result, token).toMatchObject({ ok: false, answer: { status: 400 } })
      expect(!result.ok && String(result.answer.headers['WWW-Authenticate'])).toMatch(
        /Bearer .*error="invalid_request"/,
      )
    }
  })

  it('is not disturbed by a listener that throws', async () => {
    const { issuer, call } = setUp({
      onEvent: () => {
        throw new Error('listener')
      },
    })
    expect(codeOf(await call(issuer.mintToken()))).toBe('ok')
    expect(codeOf(await call('x'))).toBe('ERR_TOKEN_UNRECOGNISED')
  })

  it('rejects for a requirement that cannot be right', async () => {
    const { call, server } = setUp()
    await expect(call('x', { scopes: 'a' } as never)).rejects.toThrow(ConfigurationError)
    await expect(call('x', null as never)).rejects.toThrow(ConfigurationError)
    expect(() => server.guard({ resource: 'https://other.test' })).toThrow(/write 'https:\/\/api\.example\.com'/)
    expect(() => server.guard(null as never)).toThrow(ConfigurationError)
  })

  it('hands out arrays and claims nobody can change for later requests with the token', async () => {
    const { issuer, call } = setUp({ resource: { resource, audience: ['a', resource] } })
    const token = issuer.mintToken({
      scope: 'read',
      roles: 'user',
      aud: ['a', 'b'],
      nested: { list: [1] },
      act: { sub: 'a' },
    })
    const result = await call(token)
    if (!result.ok) throw result.error
    const { auth } = result
    expect(() => (auth.scopes as string[]).push('admin')).toThrow(TypeError)
    expect(() => (auth.roles as string[]).push('admin')).toThrow(TypeError)
    expect(() => Object.assign(auth, { subject: 'root' })).toThrow(TypeError)
    expect(() => Object.assign(auth.claims, { sub: 'root' })).toThrow(TypeError)
    expect(() => (auth.claims['nested'] as { list: number[] }).list.push(2)).toThrow(TypeError)
    expect(() => Object.assign(auth.actor ?? {}, { sub: 'root' })).toThrow(TypeError)
    expect(codeOf(await call(token, { scope: 'admin' }))).toBe('ERR_SCOPE_INSUFFICIENT')
  })
})

describe('optionalGuard', () => {
  it('[ADP-05] lets a request without credentials through, and refuses bad ones all the same', async () => {
    const { issuer, server } = setUp()
    const guard = server.optionalGuard({ scope: 'read' })
    const withField = (authorization: string | readonly string[]) => guard(requestFacts({ headers: { authorization } }))
    expect(await guard(requestFacts())).toEqual({ ok: true, auth: undefined, headers: {} })
    expect(await withField('Basic abc')).toMatchObject({ ok: true, auth: undefined })
    expect(await withField(`Bearer ${issuer.mintToken()}`)).toMatchObject({ ok: true, auth: { subject: 'user-1' } })
    expect(await withField('Bearer x')).toMatchObject({ ok: false, answer: { status: 401 } })
    expect(await withField(`Bearer ${issuer.mintToken({ scope: '' })}`)).toMatchObject({ answer: { status: 403 } })
    for (const malformed of ['Bearer', 'Bearer\tx', ['Bearer a', 'Bearer b'], ['Basic a', 'Basic b']]) {
      expect(await withField(malformed)).toMatchObject({ ok: false, answer: { status: 400 } })
    }
  })
})

describe('verify', () => {
  it('gives what a token says, or throws the refusal', async () => {
    const { issuer, server, events } = setUp()
    expect(await server.verify(issuer.mintToken(), { scope: 'read' })).toMatchObject({ subject: 'user-1' })
    await expect(server.verify(issuer.mintToken(), { scope: 'write' })).rejects.toMatchObject({ status: 403 })
    await expect(server.verify('x')).rejects.toMatchObject({ code: 'ERR_TOKEN_UNRECOGNISED' })
    expect(events.at(-1)).toMatchObject({ type: 'auth.refused', phase: 'token', scheme: 'Bearer' })
    await expect(server.verify(issuer.mintToken({ cnf: { jkt: 'x'.repeat(43) } }))).rejects.toMatchObject({
      code: 'ERR_TOKEN_BOUND',
    })
  })

  it('refuses what is no token at all as malformed', async () => {
    const { server } = setUp()
    for (const token of [undefined, null, 5, {}, '', 'a b']) {
      await expect(server.verify(token as string)).rejects.toMatchObject({ status: 400, code: 'ERR_REQUEST_MALFORMED' })
    }
  })
})

describe('several resources', () => {
  const two = ['https://api.example.com/a', 'https://api.example.com/b'] as const

  it('[AT-05] [AT-13] accepts a token for the resource it names, and for no other', async () => {
    const { issuer, call, server } = setUp({ resource: two })
    const token = issuer.mintToken({ aud: two[0] })
    for (let times = 0; times < 2; times++) {
      expect(codeOf(await call(token, { resource: two[0] }))).toBe('ok')
      expect(codeOf(await call(token, { resource: two[1] }))).toBe('ERR_TOKEN_AUDIENCE')
    }
    expect(codeOf(await call(issuer.mintToken({ aud: two }), { resource: two[1] }))).toBe('ok')
    expect(() => server.guard()).toThrow(/name the route's one/)
    await expect(call(token)).rejects.toThrow(ConfigurationError)
    expect(server.metadataUrl(two[1])).toBe('https://api.example.com/.well-known/oauth-protected-resource/b')
    expect(() => server.metadataUrl()).toThrow(ConfigurationError)
  })

  it('names the metadata of the route its resource in the challenge', async () => {
    const { server } = setUp({ resource: two })
    const result = await server.authenticate(requestFacts(), { resource: two[1] })
    expect(!result.ok && String(result.answer.headers['WWW-Authenticate'])).toContain('oauth-protected-resource/b"')
  })
})

describe('warmUp, health and invalidate', () => {
  it('fetch keys beforehand, tell their state, and make them due', async () => {
    const { issuer, server, call } = setUp()
    expect(server.health()).toMatchObject({ ready: false, issuers: { [issuer.issuer]: { state: 'empty' } } })
    await server.warmUp()
    expect(server.health()).toMatchObject({ ready: true, issuers: { [issuer.issuer]: { state: 'fresh', keys: 1 } } })
    const token = issuer.mintToken()
    expect(codeOf(await call(token))).toBe('ok')
    issuer.rotateKeys({ overlap: false })
    server.invalidate('https://other.test')
    expect(server.health()).toMatchObject({ issuers: { [issuer.issuer]: { state: 'fresh' } } })
    server.invalidate(issuer.issuer)
    expect(server.health()).toMatchObject({ issuers: { [issuer.issuer]: { state: 'due' } } })
    server.invalidate()
    await server.warmUp()
    expect(codeOf(await call(token))).toBe('ERR_TOKEN_KEY_UNKNOWN')
  })

  it('invalidate makes the keys of every issuer due where none is named', async () => {
    const { issuer, server } = setUp()
    await server.warmUp()
    server.invalidate()
    expect(server.health()).toMatchObject({
      ...{ status: 'ok', ready: true },
      issuers: { [issuer.issuer]: { state: 'due' } },
    })
  })

  it.each([
    ['the metadata, to find the endpoint of introspection', undefined, 1],
    ['nothing where that endpoint is given', 'https://issuer.test/introspect', 0],
  ])('warmUp fetches %s', async (_what, endpoint, count) => {
    const credential = clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' })
    const other = createTestIssuer()
    const fetch = vi.fn(other.fetch)
    const introspection = { credential, endpoint, introspectJwts: true }
    const server = createResourceServer({ resource, issuer: { issuer: other.issuer, introspection }, fetch })
    await server.warmUp()
    expect(fetch).toHaveBeenCalledTimes(count)
  })

  it('warmUp rejects while the issuer cannot be reached', async () => {
    const { issuer, server } = setUp()
    issuer.override('jwks', { kind: 'down' })
    await expect(server.warmUp()).rejects.toMatchObject({ status: 503 })
    expect(server.health().ready).toBe(false)
  })
})

describe('an option that does not exist', () => {
  it('[REAL-19] is told by the name of the function that it was given to', () => {
    expect(() => setUp({ explainRefusal: true } as never)).toThrow(
      'createResourceServer has no option `explainRefusal`. Did you mean `explainRefusals`?',
    )
  })
})

describe('what was revoked', () => {
  it('is revoked for as long as `revocationTtlSeconds` says, by the clock of the server', async () => {
    const { issuer, server, call, clock } = setUp({ revocationTtlSeconds: 60 })
    const token = issuer.mintToken()
    await server.revoke({ issuer: issuer.issuer, sub: 'user-1' })
    clock.advance(59_999)
    expect(codeOf(await call(token))).toBe('ERR_TOKEN_REVOKED')
    clock.advance(1)
    expect(codeOf(await call(token))).toBe('ok')
  })

  it('reaches as far ahead as the clock of that issuer may run', async () => {
    const [clock, one] = [createFrozenClock(), createTestIssuer()]
    const other = createTestIssuer({ clock: clock.now, issuer: 'https://other.test' })
    const server = createResourceServer({
      ...{ resource, fetch: other.fetch, clock: clock.now },
      issuer: [one.issuer, { issuer: other.issuer, clockToleranceSeconds: 10 }],
    })
    await server.revoke({ issuer: other.issuer, sub: 'user-1' })
    const codeAt = async (aheadSeconds: number) => {
      const headers = { authorization: `Bearer ${other.mintToken({ iat: clock.now() / 1000 + aheadSeconds })}` }
      return codeOf(await server.authenticate(requestFacts({ headers })))
    }
    expect(await codeAt(10)).toBe('ERR_TOKEN_REVOKED')
    clock.advance(1000)
    expect(await codeAt(10)).toBe('ok')
  })

  it('is asked of a store of several servers from the first token on, and of our own only once something was', async () => {
    const revokedAt = vi.fn((keys: readonly string[]) => keys.map(() => undefined))
    const { issuer, call } = setUp({ revocationStore: { revoke: () => {}, revokedAt } })
    expect(codeOf(await call(issuer.mintToken()))).toBe('ok')
    expect(revokedAt).toHaveBeenCalledTimes(1)
  })

  it('of an issuer that is not known yet reaches as far ahead as any clock may run', async () => {
    const revoke = vi.fn()
    const store = { revoke, revokedAt: (keys: readonly string[]) => keys.map(() => undefined) }
    const { clock, server } = setUp({ issuer: () => ({}), tenants: ['https://issuer.test'], revocationStore: store })
    await server.revoke({ issuer: 'https://issuer.test', sub: 'user-1' })
    expect(revoke.mock.calls[0]?.[1]).toBe(clock.now() + 300_000)
  })
})

describe('the metadata of a server', () => {
  const wellKnown = '/.well-known/oauth-protected-resource'
  const get = (server: ResourceServer, url: string) => server.metadata(requestFacts({ url }))

  it.each([true, false])('[PRM-12] may be read by browser code of any origin: %s', async (cors) => {
    const answer = await get(setUp({ cors }).server, wellKnown)
    expect(answer?.headers['Access-Control-Allow-Origin']).toBe(cors ? '*' : undefined)
  })

  it('[MCP-03] stands at the root as well once somebody asks for that', async () => {
    const { server } = setUp({ resource: 'https://api.example.com/mcp' })
    expect(await get(server, wellKnown)).toBeUndefined()
    server.serveMetadataAtRoot()
    expect((await get(server, wellKnown))?.status).toBe(200)
    expect(() => server.serveMetadataAtRoot('https://other.test')).toThrow(ConfigurationError)
  })

  it('[PRM-09] tells of a signer that fails, and signs anew when its clock says so', async () => {
    const failing = vi
      .fn(() => 'a.b.c')
      .mockImplementationOnce(() => {
        throw new RangeError('mine')
      })
    const metadata = { sign: failing, maxAgeSeconds: 60 }
    const { server, events, clock } = setUp({ resource: { resource, metadata } })
    await expect(get(server, wellKnown)).rejects.toMatchObject({ status: 500 })
    expect(events).toMatchObject([{ type: 'application.failed', callback: 'sign', errorName: 'RangeError' }])
    await get(server, wellKnown)
    clock.advance(60_000)
    await get(server, wellKnown)
    expect(failing).toHaveBeenCalledTimes(3)
  })
})

describe('observe', () => {
  it('hands the state of all key sets to a listener that wants it', async () => {
    const { server, issuer } = setUp()
    await server.warmUp()
    const watch = vi.fn()
    server.observe(Object.assign(() => {}, { trace: () => {}, watch }))
    const [read] = watch.mock.calls[0] as [() => unknown]
    expect(read()).toMatchObject([{ issuer: issuer.issuer, state: 'fresh', ageMs: 0 }])
  })

  it('takes functions alone', () => {
    const { server } = setUp()
    const own = vi.fn()
    const stop = server.observe(own)
    expect(stop).toBeTypeOf('function')
    for (const wrong of [5, undefined, {}] as never[]) {
      expect(() => server.observe(wrong)).toThrow('`observe` takes a function.')
    }
  })
})

describe('a claims schema', () => {
  it('refuses a token whose claims fail it, naming the paths and no value', async () => {
    const { issuer, call, events } = setUp({ claims: z.object({ org: z.object({ id: z.uuid() }) }) } as never)
    const result = await call(issuer.mintToken({ org: { id: 'secret-value' } }))
    expect(codeOf(result)).toBe('ERR_TOKEN_CLAIM_INVALID')
    expect(events.at(-1)).toMatchObject({ type: 'auth.refused', detail: 'claims schema: org.id' })
    expect(JSON.stringify(events)).not.toContain('secret-value')
  })

  it('names no more than a few paths, however many fail', async () => {
    const { issuer, call, events } = setUp({ claims: z.object({ list: z.array(z.number()) }) } as never)
    await call(issuer.mintToken({ list: Array.from({ length: 2000 }, () => 'x') }))
    expect(String((events.at(-1) as { detail?: string }).detail).length).toBeLessThan(200)
  })

  it('is run once for a token, and its output is frozen', async () => {
    let runs = 0
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (claims: { readonly sub: string }) => {
          runs += 1
          return { value: { user: claims.sub.toUpperCase(), tags: ['a'] } }
        },
      },
    }
    const { issuer, call } = setUp({ claims: schema } as never)
    const token = issuer.mintToken()
    for (let times = 0; times < 3; times++) {
      const result = await call(token)
      if (!result.ok) throw result.error
      expect(result.auth.claims).toEqual({ user: 'USER-1', tags: ['a'] })
      expect(() => (result.auth.claims as { tags: string[] }).tags.push('b')).toThrow(TypeError)
    }
    expect(runs).toBe(1)
  })

  it('that throws is our own fault: 500', async () => {
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new Error('schema')
        },
      },
    }
    const { issuer, call } = setUp({ claims: schema } as never)
    expect(await call(issuer.mintToken())).toMatchObject({ ok: false, answer: { status: 500, body: '' } })
  })
})
