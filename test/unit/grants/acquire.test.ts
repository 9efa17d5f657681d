import {
  AccessDeniedError,
  createGrants,
  type GrantStore,
  InternalError,
  ResourceAccessError,
  type StoredGrant,
} from 'portcullis'
import { NetworkError, OAuthClientError, TokenTypes } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { fakeAuthorizationServer, refusal, tokens } from '../../support/fake-token-endpoint.js'
import {
  accessOf,
  accessTokenType,
  calendar,
  caller,
  exchanged,
  failureOf,
  mail,
  setUpGrants,
  tokenOf,
} from '../../support/grants-set-up.js'

const alice = caller('alice-token')

describe('an exchange', () => {
  it('[TX-01] [TX-12] [TX-13] [RI-02] [PRM-15] [S3-21] asks for a token by the token of the caller', async () => {
    const setUp = setUpGrants()
    expect(await tokenOf(setUp, alice, calendar)).toBe(`alice-token@${calendar}#1`)
    const [request] = setUp.server.at('/token')
    expect(Object.fromEntries(request?.form ?? [])).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'alice-token',
      subject_token_type: accessTokenType,
      resource: calendar,
    })
    expect(request?.headers['authorization']).toMatch(/^Basic /)
  })

  it('[TX-02] [TX-03] [RI-01] sends audience, scope, type and actor where the grant has them', async () => {
    const setUp = setUpGrants()
    const actor = () => ({ token: 'actor-token', type: TokenTypes.jwt })
    const scope = ['write', 'read']
    await tokenOf(setUp, alice, {
      resource: calendar,
      sendResource: false,
      audience: ['b', 'a'],
      scope,
      requestedTokenType: accessTokenType,
      actor,
    })
    const sent = [...(setUp.server.at('/token')[0]?.form ?? [])].filter(([name]) => !name.startsWith('subject'))
    expect(sent.sort()).toEqual(
      [
        ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        ['audience', 'a'],
        ['audience', 'b'],
        ['scope', 'read write'],
        ['actor_token', 'actor-token'],
        ['actor_token_type', TokenTypes.jwt],
        ['requested_token_type', accessTokenType],
      ].sort(),
    )
  })

  it('[S3-09] asks each resource for its own scopes, and holds each answer to them', async () => {
    const setUp = setUpGrants()
    const asked = {
      [calendar]: ['events:read', 'events:write'],
      [mail]: 'mail:read',
      'https://third.example/': undefined,
    }
    const grants = Object.entries(asked).map(([resource, scope]) => ({ resource, scope }))
    await accessOf(setUp, alice, ...grants)
    const sent = setUp.server.at('/token').map(({ form }) => [form.get('resource'), form.get('scope')])
    expect(Object.fromEntries(sent)).toEqual({
      [calendar]: 'events:read events:write',
      [mail]: 'mail:read',
      'https://third.example/': null,
    })
    setUp.server.script('/token', exchanged({ scope: 'mail:read' }))
    const { access } = await setUp.grants.prepare(grants)(caller('bob-token'))
    expect([access.succeeded, access.failed]).toEqual([[mail, 'https://third.example/'], [calendar]])
  })

  it('[S3-08] exchanges for several resources at the same time', async () => {
    const setUp = setUpGrants()
    let underWay = 0
    let most = 0
    setUp.server.script('/token', async (request, signal) => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay -= 1
      return exchanged()(request, signal)
    })
    await setUp.grants.prepare([calendar, mail, 'https://third.example/'])(alice)
    expect(most).toBe(3)
  })

  it('[D04] [S3-04] asks the authorization server the token of the caller comes from, and no other', async () => {
    const other = fakeAuthorizationServer('https://other.example')
    other.script('/token', exchanged())
    const first = setUpGrants()
    const second = setUpGrants({ server: other, clientOptions: { issuer: 'https://other.example' } })
    const both = setUpGrants({ client: [first.client, second.client] } as never)
    await tokenOf(both, alice, calendar)
    expect([first.exchanges(), second.exchanges()]).toEqual([1, 0])
    await tokenOf(both, caller('bob-token', { issuer: 'https://other.example' }), calendar)
    expect([first.exchanges(), second.exchanges()]).toEqual([1, 1])
    const stranger = caller('eve-token', { issuer: 'https://third.example' })
    expect(await failureOf(both, stranger, calendar)).toMatchObject({ code: 'ERR_CONFIGURATION', status: 500 })
    expect(await failureOf(first, stranger, calendar)).toMatchObject({ code: 'ERR_CONFIGURATION' })
    expect([first.exchanges(), second.exchanges()]).toEqual([1, 1])
  })

  it('asks another authorization server where the grant names it', async () => {
    const setUp = setUpGrants()
    const stranger = caller('eve-token', { issuer: 'https://third.example' })
    await tokenOf(setUp, stranger, { resource: calendar, issuer: 'https://as.example' })
    await tokenOf(setUp, stranger, { resource: mail, issuer: ({ issuer }) => issuer.replace('third', 'as') })
    expect(setUp.exchanges()).toBe(2)
    const faulty = {
      resource: calendar,
      issuer: () => {
        throw new Error('of the application')
      },
    }
    expect(await failureOf(setUp, stranger, faulty)).toBeInstanceOf(InternalError)
  })

  it('[TX-14] answers 503 when the token of the actor cannot be had', async () => {
    const setUp = setUpGrants()
    const unreachable = async () => Promise.reject(new NetworkError('ERR_NETWORK'))
    expect(await failureOf(setUp, alice, { resource: calendar, actor: unreachable })).toMatchObject({
      code: 'ERR_GRANT_UNAVAILABLE',
      status: 503,
    })
    const endless = setUpGrants({ exchangeTimeoutMs: 1 })
    const hanging = { resource: calendar, actor: () => new Promise<never>(() => {}) }
    expect(await failureOf(endless, alice, hanging)).toMatchObject({ status: 503, detail: 'timeout' })
    expect(setUp.exchanges() + endless.exchanges()).toBe(0)
  })

  it('[REAL-27] never blames the caller for a refused token of the actor', async () => {
    for (const code of ['ERR_INVALID_GRANT', 'ERR_INTERACTION_REQUIRED', 'ERR_INVALID_TARGET'] as const) {
      const setUp = setUpGrants({ mapRefusal: () => new AccessDeniedError() })
      const actor = async () => Promise.reject(new OAuthClientError(code))
      const error = await failureOf(setUp, alice, { resource: calendar, actor })
      expect(error).toMatchObject({ status: 500, code: 'ERR_GRANT_CONFIGURATION', detail: code })
      expect(setUp.events).toMatchObject([{ type: 'grant.failed', code: 'ERR_GRANT_CONFIGURATION' }])
    }
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('of the application')
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the application'))],
    ['gives nothing', () => undefined],
    ['gives no token', () => ({ type: TokenTypes.jwt })],
    ['gives an empty token', () => ({ token: '', type: TokenTypes.jwt })],
    ['gives no type', () => ({ token: 'actor-token' })],
  ])(
    '[REAL-26] is a fault of the application where the actor %s: nothing is exchanged without it',
    async (_n, actor) => {
      const setUp = setUpGrants()
      const error = await failureOf(setUp, alice, { resource: calendar, actor: actor as never })
      expect(error).toBeInstanceOf(InternalError)
      expect(error.cause).toBeInstanceOf(Error)
      expect(setUp.exchanges()).toBe(0)
      expect(setUp.events).toMatchObject([{ type: 'grant.failed', code: 'ERR_INTERNAL', resource: calendar }])
    },
  )

  it('[REAL-26] is a fault of the application without a client for the issuer, and told of', async () => {
    const setUp = setUpGrants()
    const stranger = caller('eve-token', { issuer: 'https://third.example' })
    const { access, failure } = await setUp.grants.prepare([calendar, { resource: mail, mode: 'optional' }])(stranger)
    expect(failure).toMatchObject({ status: 500, code: 'ERR_CONFIGURATION' })
    expect(failure?.message).toContain('client')
    expect([...access.errors.keys()]).toEqual([calendar, mail])
    const told = { type: 'grant.failed', issuer: 'https://third.example', code: 'ERR_CONFIGURATION', refused: false }
    expect(setUp.events).toMatchObject([
      { ...told, resource: calendar },
      { ...told, resource: mail },
    ])
  })

  it('[REAL-44] tells what was exchanged, what was reused, and what failed, and how long it took', async () => {
    let elapsedMs = 7
    const setUp = setUpGrants({ monotonicClock: () => (elapsedMs *= 2) })
    await Promise.all([tokenOf(setUp, alice, calendar), tokenOf(setUp, alice, calendar)])
    await tokenOf(setUp, alice, calendar)
    setUp.server.script('/token', refusal('invalid_target'), tokens())
    await failureOf(setUp, alice, mail)
    const about = { issuer: 'https://as.example', correlationId: alice.correlationId }
    expect(setUp.events).toEqual([
      { type: 'grant.exchanged', ...about, resource: calendar, durationMs: 14, expiresInSeconds: expect.any(Number) },
      { type: 'grant.reused', ...about, resource: calendar, source: 'joined' },
      { type: 'grant.reused', ...about, resource: calendar, source: 'cache' },
      {
        type: 'grant.failed',
        ...about,
        resource: mail,
        code: 'ERR_GRANT_REFUSED',
        refused: true,
        remembered: false,
        durationMs: 56,
        detail: 'ERR_INVALID_TARGET',
        error: 'invalid_target',
        errorDescription: undefined,
      },
    ])
  })
})

describe('a token that is kept', () => {
  function thrown(): never {
    throw new Error('no key')
  }

  const storeOf = (later: boolean) => {
    const kept = new Map<string, StoredGrant>()
    let asked = 0
    const get = (key: string) => {
      asked += 1
      return later ? Promise.resolve(kept.get(key)) : kept.get(key)
    }
    const store: GrantStore = {
      get,
      set: (key, grant) => void kept.set(key, grant),
      delete: (key) => void kept.delete(key),
    }
    return { store, asked: () => asked }
  }

  it.each([false, true])('is asked for once by each request, in a store that answers later: %s', async (later) => {
    const { store, asked } = storeOf(later)
    const setUp = setUpGrants({ store })
    const first = await tokenOf(setUp, alice, calendar)
    expect(asked()).toBe(1)
    expect(await tokenOf(setUp, alice, calendar)).toBe(first)
    expect(asked()).toBe(2)
    expect(setUp.exchanges()).toBe(1)
  })

  it('is refused in the same words where the key of the client throws and where it rejects', async () => {
    const failures = [() => Promise.reject(new Error('no key')), () => thrown()].map(async (thumbprint) => {
      const dpop = { thumbprint, proof: async () => 'proof' }
      const client = { issuer: 'https://as.example', clientId: 'app', exchangeToken: () => thrown(), dpop }
      const { failure } = await createGrants({ client }).prepare([calendar])(alice)
      return failure
    })
    const [rejected, threw] = await Promise.all(failures)
    expect(rejected?.code).toBeDefined()
    expect([threw?.code, threw?.status]).toEqual([rejected?.code, rejected?.status])
  })

  it('is there without a wait where it is kept in this process', async () => {
    const setUp = setUpGrants()
    const acquire = setUp.grants.prepare([calendar])
    await acquire(alice)
    let ticks = 0
    let isDone = false
    const acquired = acquire(alice).then(() => {
      isDone = true
    })
    for (; !isDone; ticks++) await null
    await acquired
    expect(ticks).toBeLessThanOrEqual(2)
  })
})

describe('the answer to an exchange', () => {
  const failing = async (members: Record<string, unknown>, grant: object = {}) => {
    const setUp = setUpGrants()
    setUp.server.script('/token', exchanged(members))
    const error = await failureOf(setUp, alice, { resource: calendar, ...grant })
    expect(error).toBeInstanceOf(ResourceAccessError)
    return error
  }
  const refused = { code: 'ERR_GRANT_REFUSED', status: 502 }

  it('[TX-05] [TX-06] is refused without issued_token_type, or with another than the one asked for', async () => {
    expect(await failing({ issued_token_type: undefined })).toMatchObject(refused)
    expect(await failing({ issued_token_type: TokenTypes.jwt }, { requestedTokenType: accessTokenType })).toMatchObject(
      refused,
    )
  })

  it('[TX-05] is refused when its scope is narrower, unless the grant takes that', async () => {
    const scope = ['read', 'write']
    expect(await failing({ scope: 'read' }, { scope })).toMatchObject({
      ...refused,
      detail: 'the granted scope is narrower than asked for',
    })
    const setUp = setUpGrants()
    setUp.server.script('/token', exchanged({ scope: 'read' }))
    const lenient = { resource: calendar, scope, allowNarrowerScope: true }
    expect(await tokenOf(setUp, alice, lenient)).toContain('alice-token')
    expect(await failureOf(setUp, alice, { resource: calendar, scope })).toMatchObject(refused)
    setUp.server.script('/token', exchanged({ scope: 'read write more' }))
    expect(await tokenOf(setUp, caller('bob-token'), { resource: calendar, scope })).toContain('bob-token')
  })

  it('[TX-06] is refused where a token of type N_A would stand for an access token', async () => {
    expect(await failing({ token_type: 'N_A' })).toMatchObject({ ...refused, detail: 'the token is no access token' })
    expect(await failing({ token_type: 'N_A' }, { requestedTokenType: accessTokenType })).toMatchObject(refused)
    const setUp = setUpGrants()
    setUp.server.script('/token', exchanged({ token_type: 'N_A', issued_token_type: TokenTypes.idJag }))
    const grant = { resource: calendar, requestedTokenType: TokenTypes.idJag }
    expect(await tokenOf(setUp, alice, grant)).toContain('alice-token')
  })

  it('[TX-12] is refused when it is the very token that was to be exchanged', async () => {
    expect(await failing({ access_token: 'alice-token' })).toMatchObject({
      ...refused,
      detail: 'the token is the very one to be exchanged',
    })
  })

  it('[D27] is refused when it would not fit into a header field, without repeating it', async () => {
    const error = await failing({ access_token: 'canary\r\nX-Evil: 1' })
    expect(error).toMatchObject(refused)
    expect(JSON.stringify(error) + String(error.cause)).not.toContain('canary')
  })

  it('[DPOP-C3] [TX-06] is refused when it is unbound where a bound one was asked for, and the other way round', async () => {
    const { client } = setUpGrants()
    const answering = (tokenType: 'Bearer' | 'DPoP', dpop: boolean) =>
      setUpGrants({
        client: {
          issuer: client.issuer,
          clientId: 'gateway',
          ...(dpop && { dpop: { thumbprint: async () => 'jkt', proof: async () => 'proof' } }),
          exchangeToken: async () => ({
            accessToken: 'issued',
            tokenType,
            expiresAt: undefined,
            scope: [],
            issuedTokenType: accessTokenType,
          }),
        },
      } as never)
    expect(await failureOf(answering('Bearer', true), alice, calendar)).toMatchObject(refused)
    expect(await failureOf(answering('DPoP', false), alice, calendar)).toMatchObject(refused)
    expect(await tokenOf(answering('DPoP', true), alice, calendar)).toBe('issued')
  })
})

describe('the correlation id', () => {
  it('[S4-27] of the request is that of the calls made for it', async () => {
    const seen: unknown[] = []
    const onEvent = (event: object) => seen.push('correlationId' in event && event.correlationId)
    const auth = caller('alice-token')
    await tokenOf(setUpGrants({ clientOptions: { onEvent } }), auth, calendar)
    expect(seen.at(-1)).toBe(auth.correlationId)
  })
})
