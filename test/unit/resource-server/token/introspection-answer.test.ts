import { createResourceServer, type PortcullisEvent } from 'portcullis'
import { createSigningKey, type JwtContents, requestFacts, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { toClaimProfileSettings } from '../../../../src/resource-server/token/claim-profile.js'
import { readIntrospectedToken } from '../../../../src/resource-server/token/introspection-answer.js'
import { type IntrospectingServer, introspectingServer, resource } from '../../../support/introspecting-server.js'

const unavailable = '503 ERR_INTROSPECTION_UNAVAILABLE'
const mediaType = 'application/token-introspection+jwt'

function signedServer(options: Parameters<typeof introspectingServer>[0] = {}) {
  return introspectingServer({ ...options, introspection: { signedResponse: true, ...options.introspection } })
}

function answerParts({ issuer, clock }: IntrospectingServer): JwtContents {
  const key = issuer.signingKey()
  return {
    header: { typ: 'token-introspection+jwt', alg: key.algorithm, kid: key.kid },
    payload: {
      iss: issuer.issuer,
      aud: resource,
      iat: clock.now() / 1000,
      token_introspection: { active: true, sub: 'user', aud: resource },
    },
    key,
  }
}

/** What becomes of a token about which the issuer sends exactly this. */
async function outcomeOfAnswer(world: IntrospectingServer, parts: Parameters<typeof signCompact>[0]): Promise<string> {
  world.issuer.override('introspection', {
    kind: 'answer',
    headers: { 'content-type': mediaType },
    body: signCompact(parts),
  })
  return world.outcome('opaque')
}

function lastReason(events: readonly PortcullisEvent[]): string | undefined {
  return events.flatMap((event) => (event.type === 'introspection.failed' ? [event.reason] : [])).at(-1)
}

describe('signed introspection answers', () => {
  it('[INTR-08] asks for them by media type, and accepts them', async () => {
    const { issuer, outcomeOf } = signedServer()
    expect(await outcomeOf({})).toBe('accepted')
    expect(issuer.requests('introspection')[0]?.headers['accept']).toBe(mediaType)
    expect(issuer.requestCount('jwks')).toBe(1)
  })

  it('[INTR-08] [INTR-02] judges the inner object as a plain answer', async () => {
    const { outcomeOf, outcome } = signedServer()
    expect(await outcome('unknown')).toBe('401 ERR_TOKEN_INACTIVE')
    expect(await outcomeOf({ active: 'true' })).toBe(unavailable)
    expect(await outcomeOf({ aud: 'https://other.test' })).toBe('401 ERR_TOKEN_AUDIENCE')
    expect(await outcomeOf({ iss: 'https://other.test' })).toBe('401 ERR_TOKEN_ISSUER')
  })

  it('[INTR-08] lets aud name this server by the configured name', async () => {
    const given = { introspection: { signedResponseAudience: 'api-client' } }
    expect(await signedServer(given).outcomeOf({})).toBe(unavailable)
    const named = signedServer({ ...given, authorizationServer: { audience: ['x', 'api-client', resource] } })
    expect(await named.outcomeOf({})).toBe('accepted')
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['iss of another issuer', { iss: 'https://other.test' }, 'signed_answer_issuer'],
    ['no iss', { iss: undefined }, 'signed_answer_issuer'],
    ['aud of another server', { aud: ['https://other.test'] }, 'signed_answer_audience'],
    ['no aud', { aud: undefined }, 'signed_answer_audience'],
    ['no iat', { iat: undefined }, 'signed_answer_time'],
    ['an iat that is a string', { iat: '1' }, 'signed_answer_time'],
    ['an iat in the future', { iat: 61 }, 'signed_answer_time'],
    ['an iat long ago', { iat: -66 }, 'signed_answer_time'],
    ['no token_introspection', { token_introspection: undefined }, 'signed_answer_content'],
    ['a token_introspection that is no object', { token_introspection: 'x' }, 'signed_answer_content'],
  ])('[INTR-08] refuses an answer with %s', async (_, claims, reason) => {
    const world = signedServer()
    const parts = answerParts(world)
    const iat = typeof claims['iat'] === 'number' ? { iat: world.clock.now() / 1000 + claims['iat'] } : {}
    const payload = { ...(parts.payload as object), ...claims, ...iat }
    expect(await outcomeOfAnswer(world, { ...parts, payload })).toBe(unavailable)
    expect(lastReason(world.events)).toBe(reason)
  })

  it.each([
    ['of another type', { typ: 'JWT' }, 'signed_answer_type'],
    ['of the type of access tokens', { typ: 'at+jwt' }, 'signed_answer_type'],
    ['without type', { typ: undefined }, 'signed_answer_type'],
    ['whose type is no text', { typ: 5 }, 'signed_answer_type'],
    ['with a critical header', { crit: ['x'], x: 1 }, 'signed_answer_critical_header'],
    ['without algorithm', { alg: 'none' }, 'signed_answer_algorithm'],
    ['with an algorithm that is not accepted', { alg: 'RS512' }, 'signed_answer_algorithm'],
    ['with an unknown key', { kid: 'unknown' }, 'signed_answer_key'],
    ['with a key name that is no text', { kid: 5 }, 'signed_answer_malformed'],
  ])('[INTR-08] refuses an answer %s', async (_, header, reason) => {
    const world = signedServer()
    const parts = answerParts(world)
    expect(await outcomeOfAnswer(world, { ...parts, header: { ...(parts.header as object), ...header } })).toBe(
      unavailable,
    )
    expect(lastReason(world.events)).toBe(reason)
  })

  it('[INTR-08] accepts the media type as type, in any letter case', async () => {
    const world = signedServer()
    const parts = answerParts(world)
    const header = { ...(parts.header as object), typ: 'application/Token-Introspection+JWT' }
    expect(await outcomeOfAnswer(world, { ...parts, header })).toBe('accepted')
  })

  it('[INTR-08] refuses an answer signed by a stranger', async () => {
    const world = signedServer()
    const stranger = createSigningKey({ algorithm: 'ES256', kid: world.issuer.signingKey().kid })
    expect(await outcomeOfAnswer(world, { ...answerParts(world), key: stranger })).toBe(unavailable)
    expect(lastReason(world.events)).toBe('signed_answer_signature')
    const result = await world.call('another')
    expect(result.ok || result.error.cause).toMatchObject({ code: 'ERR_TOKEN_SIGNATURE' })
  })

  it('[INTR-09] refuses plain JSON where a signed answer was asked for', async () => {
    const { issuer, outcomeOf, events } = signedServer()
    issuer.override('introspection', {
      kind: 'answer',
      headers: { 'content-type': 'application/json' },
      body: { active: true, sub: 'user', aud: resource },
    })
    expect(await outcomeOf({})).toBe(unavailable)
    expect(lastReason(events)).toBe('signed_answer_missing')
  })

  it.each(['application/jwt', 'text/plain', ''])('[INTR-08] refuses the media type %j', async (type) => {
    const { issuer, outcomeOf, events } = signedServer()
    issuer.override('introspection', { kind: 'answer', headers: { 'content-type': type } })
    expect(await outcomeOf({})).toBe(unavailable)
    expect(lastReason(events)).toBe('media_type')
  })

  it('[INTR-08] refuses what is no JWT under the media type, encrypted ones among them', async () => {
    for (const body of ['{"active":true}', 'a.b.c', 'e30.a.b.c.d', '']) {
      const { issuer, outcomeOf, events } = signedServer()
      issuer.override('introspection', { kind: 'answer', headers: { 'content-type': mediaType }, body })
      expect(await outcomeOf({})).toBe(unavailable)
      expect(lastReason(events)).toBe('signed_answer_malformed')
    }
  })

  it('[INTR-09] refuses a signed answer where a plain one was asked for', async () => {
    const world = introspectingServer()
    expect(await outcomeOfAnswer(world, answerParts(world))).toBe(unavailable)
  })

  it('[INTR-11] checks the algorithm against those of the issuer, RS256 among the defaults', async () => {
    const rsa = signedServer({ authorizationServer: { algorithms: ['RS256'] } })
    expect(await rsa.outcomeOf({})).toBe('accepted')
    const onlyEc = signedServer({ authorizationServer: { algorithms: ['RS256'] }, issuer: { algorithms: ['ES256'] } })
    expect(await onlyEc.outcomeOf({})).toBe(unavailable)
  })

  it('[C-17] answers 503 when the keys for it cannot be had', async () => {
    const { issuer, outcomeOf, server } = signedServer({ introspection: { introspectJwts: true } })
    issuer.override('jwks', { kind: 'down' })
    expect(await outcomeOf({})).toBe('503 ERR_KEYS_UNAVAILABLE')
    expect(server.health().ready).toBe(false)
  })

  it('[INTR-08] remembers an answer for the audience it named', async () => {
    const { issuer, clock } = introspectingServer()
    const other = `${resource}/other`
    const credential = {
      authenticate: () => ({ headers: { authorization: `Basic ${btoa('test-client:test-secret')}` } }),
    }
    const server = createResourceServer({
      resource: [resource, other],
      issuer: { issuer: issuer.issuer, introspection: { signedResponse: true, credential } },
      fetch: issuer.fetch,
      clock: clock.now,
    })
    const facts = requestFacts({
      headers: { authorization: `Bearer ${issuer.mintOpaqueToken({ aud: [resource, other] })}` },
    })
    expect((await server.authenticate(facts, { resource })).ok).toBe(true)
    expect((await server.authenticate(facts, { resource: other })).ok).toBe(false)
    expect((await server.authenticate(facts, { resource })).ok).toBe(true)
    expect(issuer.requestCount('introspection')).toBe(2)
  })
})

describe('readIntrospectedToken', () => {
  const issuer = 'https://issuer.test'
  const rules = {
    profile: toClaimProfileSettings(),
    optionalClaims: new Set(['exp', 'iat', 'jti', 'client_id']),
    clockToleranceMs: 0,
    maxTokenAgeMs: undefined,
  }
  const read = (answer: object) =>
    readIntrospectedToken(issuer, { active: true, sub: 's', aud: 'a', ...answer }, rules, 1_800_000_000_000)
  const refusal = (code: string, explanation: object = {}) => expect.objectContaining({ code, ...explanation })

  it('[INTR-02] refuses a token that is not active, or of another issuer, and says so', () => {
    expect(read({ iss: issuer })).toMatchObject({ issuer, subject: 's', audience: 'a', key: undefined })
    expect(() => read({ active: false })).toThrow(
      refusal('ERR_TOKEN_INACTIVE', { expected: 'active', received: false }),
    )
    for (const iss of ['https://other.test', '', null, 5]) {
      expect(() => read({ iss })).toThrow(
        refusal('ERR_TOKEN_ISSUER', iss === null ? {} : { expected: issuer, received: iss }),
      )
    }
  })

  const kinds = [
    ...['refresh', 'offline', 'id', 'serialized_id', 'logout', 'backchannel_logout', 'initial_access', 'saml2'],
    ...['registration_access', 'code', 'authorization_code', 'device_code', 'user_code', 'id-jag', 'txn', 'saml1'],
  ]

  it.each(kinds)('[INTR-02] refuses an active token of the kind %s, however that is written', (kind) => {
    const spellings = [kind, kind.toUpperCase(), `${kind}_token`, `${kind}Token`, `${kind}+jwt`, `${kind} token`]
    const urns = [
      `urn:ietf:params:oauth:token-type:${kind}`,
      `https://types.test/${kind}`,
      `a/b:${kind}`,
      `a:b/${kind}`,
    ]
    for (const spelling of [...spellings, ...urns]) {
      for (const name of ['token_use', 'typ', 'token_type']) {
        const explanation = { detail: name, expected: 'an access token', received: spelling }
        expect(() => read({ [name]: spelling }), spelling).toThrow(refusal('ERR_TOKEN_TYPE', explanation))
      }
    }
  })

  it('[INTR-02] refuses a kind that another specification keeps, and what is no text', () => {
    for (const kind of ['dpop+jwt', 'application/secevent+jwt', 5, true, ['access'], {}]) {
      for (const name of ['token_use', 'typ', 'token_type']) {
        expect(() => read({ [name]: kind }), JSON.stringify(kind)).toThrow(refusal('ERR_TOKEN_TYPE', { detail: name }))
      }
    }
  })

  it('[INTR-02] takes every name of an access token, and an absent one', () => {
    for (const kind of ['access', 'access_token', 'at+jwt', 'JWT', 'Bearer', null, undefined]) {
      for (const name of ['token_use', 'typ', 'token_type']) {
        expect(read({ [name]: kind }), `${name} ${kind}`).toMatchObject({ subject: 's' })
      }
    }
    for (const kind of ['codex', 'identity', '+jwtid', 'tokenid']) {
      expect(read({ token_use: kind, typ: kind }), kind).toMatchObject({ subject: 's' })
    }
    expect(read({ token_type: 'urn:ietf:params:oauth:token-type:access_token' })).toMatchObject({ subject: 's' })
    expect(() => read({ token_type: 'mac' })).toThrow(
      refusal('ERR_TOKEN_TYPE', { detail: 'token_type', expected: ['Bearer', 'DPoP'], received: 'mac' }),
    )
  })

  it('[INTR-02] holds token_type against the key the token is bound to', () => {
    const bound = { cnf: { jkt: 'k' } }
    for (const type of ['DPoP', 'dpop']) {
      expect(read({ token_type: type, ...bound })).toMatchObject({ subject: 's' })
      for (const cnf of [undefined, { 'x5t#S256': 'x' }, [], 'jkt']) {
        const explanation = { detail: 'token_type', expected: 'Bearer', received: type }
        expect(() => read({ token_type: type, cnf })).toThrow(refusal('ERR_TOKEN_CONFIRMATION', explanation))
      }
    }
    for (const type of ['Bearer', 'access_token']) {
      const explanation = { detail: 'token_type', expected: 'DPoP', received: type }
      expect(() => read({ token_type: type, ...bound })).toThrow(refusal('ERR_TOKEN_CONFIRMATION', explanation))
    }
    expect(read(bound)).toMatchObject({ subject: 's' })
  })

  it('[INTR-02] refuses an answer that nests deeper than 32 levels', () => {
    let nested: unknown = 'deep'
    for (let depth = 0; depth < 40; depth++) nested = { nested }
    expect(() => read({ nested })).toThrow(refusal('ERR_TOKEN_CLAIM_INVALID', { detail: 'depth' }))
  })
})

describe('the age of a signed answer', () => {
  it.each([
    [60, 'accepted'],
    [60.001, unavailable],
    [-65, 'accepted'],
    [-65.001, unavailable],
  ])(
    '[INTR-08] of %d s from now is %s: the leeway ahead, the time limit and the leeway back',
    async (seconds, outcome) => {
      expect(await outcomeAt(seconds)).toBe(outcome)
    },
  )

  async function outcomeAt(seconds: number): Promise<string> {
    const world = signedServer()
    const parts = answerParts(world)
    const payload = { ...(parts.payload as object), iat: world.clock.now() / 1000 + seconds }
    return outcomeOfAnswer(world, { ...parts, payload } as never)
  }
})
