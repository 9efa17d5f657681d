import {
  ConfigurationError,
  createResourceServer,
  type PortcullisEvent,
  type ResourceServerOptions,
  type Revocation,
  type RevocationStore,
  UnavailableError,
} from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createRevocationList } from '../../../src/revocation/revocation.js'
import { createMemoryRevocationStore } from '../../../src/stores/memory/memory-revocation-store.js'
import { outcomeOfResult, resource } from '../../support/introspecting-server.js'

const revoked = '401 ERR_TOKEN_REVOKED'

function revokingServer(options: Partial<ResourceServerOptions> = {}) {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now, lifetimeSeconds: 7200 })
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
    onEvent: (event) => void events.push(event),
    ...options,
  })
  return {
    clock,
    issuer,
    events,
    server,
    revoke: (what: Omit<Revocation, 'issuer'>) => server.revoke({ issuer: issuer.issuer, ...what }),
    outcome: async (token: string, scope?: string) =>
      outcomeOfResult(
        await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }), { scope }),
      ),
  }
}

/** A store of one's own, as a colleague's Redis or SQL would be. */
function storeThat(answers: Partial<RevocationStore>): RevocationStore {
  return { revoke: () => {}, revokedAt: (keys) => keys.map(() => undefined), ...answers }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('server.revoke', () => {
  it('[BEAR-09] refuses a token by its jti from the next request on, also one remembered as verified', async () => {
    const { issuer, server, revoke, outcome } = revokingServer()
    const [first, second] = [issuer.mintToken({ jti: 'first' }), issuer.mintToken({ jti: 'second' })]
    expect(await outcome(first)).toBe('accepted')
    await revoke({ jti: 'first' })
    expect(await outcome(first)).toBe(revoked)
    expect(await outcome(second)).toBe('accepted')
    const result = await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${first}` } }))
    expect(String(result.ok || result.answer.headers['WWW-Authenticate'])).toContain('error="invalid_token"')
  })

  it('[REAL-18] refuses the tokens of a subject issued until then by a clock as fast as is accepted, and accepts later ones', async () => {
    const { issuer, clock, revoke, outcome } = revokingServer()
    const [before, other] = [issuer.mintToken({ sub: 'ada' }), issuer.mintToken({ sub: 'bob' })]
    const atOnce = issuer.mintToken({ sub: 'ada', iat: clock.now() / 1000 + 60 })
    expect(await outcome(atOnce)).toBe('accepted')
    await revoke({ sub: 'ada' })
    clock.advance(60_001)
    const after = issuer.mintToken({ sub: 'ada', iat: clock.now() / 1000 })
    expect(await Promise.all([before, other, atOnce, after].map((token) => outcome(token)))).toEqual([
      revoked,
      'accepted',
      revoked,
      'accepted',
    ])
  })

  it('[REAL-18] goes by the leeway of the issuer, and by the time given where one is given', async () => {
    const { issuer, clock, revoke, outcome } = revokingServer({
      issuer: { issuer: 'https://issuer.test', clockToleranceSeconds: 5 },
    })
    const now = clock.now() / 1000
    const [ahead, later] = [5, 6].map((seconds) => issuer.mintToken({ sub: 'ada', iat: now + seconds })) as [
      string,
      string,
    ]
    await revoke({ sub: 'ada', atSeconds: now })
    expect(await outcome(ahead)).toBe('accepted')
    await revoke({ sub: 'ada' })
    clock.advance(1000)
    expect([await outcome(ahead), await outcome(later)]).toEqual([revoked, 'accepted'])
  })

  it('[REAL-18] counts the greatest leeway of a tenant that no token has named yet', async () => {
    const clock = createFrozenClock()
    const tenant = createTestIssuer({ issuer: 'https://tenant.test', clock: clock.now })
    const revocationStore = createMemoryRevocationStore({ clock: clock.now })
    const revoke = vi.spyOn(revocationStore, 'revoke')
    const server = createResourceServer({
      resource,
      issuer: () => ({ clockToleranceSeconds: 7 }),
      tenants: ['https://tenant.test'],
      fetch: tenant.fetch,
      clock: clock.now,
      revocationStore,
    })
    await server.revoke({ issuer: 'https://tenant.test', sub: 'ada' })
    await server.verify(tenant.mintToken({ sub: 'bob' }))
    await server.revoke({ issuer: 'https://tenant.test', sub: 'ada' })
    expect(revoke.mock.calls.map(([, atMs]) => atMs - clock.now())).toEqual([300_000, 7000])
  })

  it('[REAL-17] tells the store the key of the subject with those of a session', async () => {
    const revocationStore = createMemoryRevocationStore()
    const marks = vi.spyOn(revocationStore, 'revoke')
    const { revoke } = revokingServer({ revocationStore })
    await revoke({ sub: 'ada' })
    await revoke({ sub: 'ada', sid: 'one' })
    await revoke({ sid: 'one' })
    await revoke({ jti: 'one' })
    const [subject, session, without, alone, token] = marks.mock.calls.map(([key, , , widerKey]) => ({ key, widerKey }))
    expect(session?.widerKey).toBe(subject?.key)
    expect(without?.widerKey).toBe(subject?.key)
    expect(alone).toEqual({ key: session?.key, widerKey: undefined })
    expect([subject?.widerKey, token?.widerKey]).toEqual([undefined, undefined])
  })

  it('[REAL-17] lets no user with endless sessions keep others from being logged out', async () => {
    const clock = createFrozenClock()
    const revocationStore = createMemoryRevocationStore({ clock: clock.now, maxEntries: 20 })
    const { issuer, revoke, outcome } = revokingServer({ clock: clock.now, revocationStore })
    const mint = (sub: string, sid: string) => issuer.mintToken({ sub, sid, iat: clock.now() / 1000 })
    for (let index = 0; index < 50; index++) await revoke({ sub: 'mallory', sid: `s${index}` })
    await revoke({ sub: 'ada', sid: 'of ada' })
    expect(await outcome(mint('ada', 'of ada'))).toBe(revoked)
    expect(await outcome(mint('ada', 'another'))).toBe('accepted')
    for (const index of [0, 10, 49]) expect(await outcome(mint('mallory', `s${index}`))).toBe(revoked)
  })

  it('counts a token without iat as issued before', async () => {
    const { issuer, clock, revoke, outcome } = revokingServer({
      issuer: { issuer: 'https://issuer.test', optionalClaims: ['iat'] },
    })
    await revoke({ sub: 'ada' })
    clock.advance(1000)
    expect(await outcome(issuer.mintToken({ sub: 'ada', iat: undefined }))).toBe(revoked)
  })

  it('refuses by jti whenever the token was issued', async () => {
    const { issuer, clock, revoke, outcome } = revokingServer()
    await revoke({ jti: 'known' })
    clock.advance(600_000)
    expect(await outcome(issuer.mintToken({ jti: 'known', iat: clock.now() / 1000 }))).toBe(revoked)
  })

  it('[LOGO-03] refuses the tokens of a session, and those of its user that name none', async () => {
    const { issuer, revoke, outcome } = revokingServer()
    const tokens = [
      issuer.mintToken({ sub: 'ada', sid: 'one' }),
      issuer.mintToken({ sub: 'ada', sid: 'two' }),
      issuer.mintToken({ sub: 'ada' }),
      issuer.mintToken({ sub: 'bob' }),
    ]
    const outcomes = () => Promise.all(tokens.map((token) => outcome(token)))
    await revoke({ sid: 'one' })
    expect(await outcomes()).toEqual([revoked, 'accepted', 'accepted', 'accepted'])
    await revoke({ sub: 'ada', sid: 'one' })
    expect(await outcomes()).toEqual([revoked, 'accepted', revoked, 'accepted'])
    await revoke({ sub: 'ada' })
    expect(await outcomes()).toEqual([revoked, revoked, revoked, 'accepted'])
  })

  it('[JWT-06] keeps apart issuers, kinds of claims, and values that look like joined ones', async () => {
    const clock = createFrozenClock()
    const issuers = ['https://a.test', 'https://b.test']
    const list = createRevocationList({
      store: createMemoryRevocationStore({ clock: clock.now }),
      isShared: false,
      ttlSeconds: 60,
      leewayMsOf: () => 0,
      clock: clock.now,
      onEvent: undefined,
    })
    await list.revoke({ issuer: 'https://a.test', sub: 'x' })
    const check = (issuer: string, claims: object) => list.check({ issuer, subject: 'y', tokenClaims: { ...claims } })
    for (const issuer of issuers) {
      for (const claims of [{ jti: 'x' }, { sid: 'x' }, { sub: 'y' }, { jti: '"sub","https://a.test","x"' }]) {
        expect(() => check(issuer, claims)).not.toThrow()
      }
    }
    expect(() => list.check({ issuer: 'https://b.test', subject: 'x', tokenClaims: {} })).not.toThrow()
    expect(() => list.check({ issuer: 'https://a.test', subject: 'x', tokenClaims: {} })).toThrow('revoked')
  })

  it('revokes until the time given, and never takes an earlier revocation back', async () => {
    const { issuer, clock, revoke, outcome } = revokingServer()
    const nowSeconds = clock.now() / 1000
    const token = issuer.mintToken({ sub: 'ada', iat: nowSeconds - 5 })
    await revoke({ sub: 'ada', atSeconds: nowSeconds - 10 })
    expect(await outcome(token)).toBe('accepted')
    await revoke({ sub: 'ada', atSeconds: nowSeconds - 5 })
    expect(await outcome(token)).toBe(revoked)
    await revoke({ sub: 'ada', atSeconds: nowSeconds - 10 })
    expect(await outcome(token)).toBe(revoked)
  })

  it('keeps a revocation for revocationTtlSeconds, a day unless said otherwise', async () => {
    for (const [options, ttlMs] of [
      [{}, 86_400_000],
      [{ revocationTtlSeconds: 60 }, 60_000],
    ] as const) {
      const { issuer, clock, revoke, outcome } = revokingServer(options)
      const token = issuer.mintToken({ jti: 'known', exp: clock.now() / 1000 + 100_000 })
      await revoke({ jti: 'known' })
      clock.advance(ttlMs - 1)
      expect(await outcome(token)).toBe(revoked)
      clock.advance(1)
      expect(await outcome(token)).toBe('accepted')
    }
  })

  it('tells nothing of what the route demands to a revoked token', async () => {
    const { issuer, revoke, outcome } = revokingServer()
    await revoke({ sub: 'user-1' })
    expect(await outcome(issuer.mintToken(), 'unheard-of')).toBe(revoked)
  })

  it.each([
    ['nothing to revoke', {}],
    ['an empty value', { sub: '' }],
    ['a value that is no string', { jti: 7 as never }],
    ['a token and a subject', { jti: 'x', sub: 'y' }],
    ['a time that is none', { sub: 'x', atSeconds: Number.NaN }],
    ['a time before time', { sub: 'x', atSeconds: -1 }],
    ['an empty value beside a good one', { sub: 'x', sid: '' }],
    ['a value that is no string beside a good one', { sub: 'x', sid: 7 as never }],
  ])('refuses %s', async (_, what) => {
    await expect(revokingServer().revoke(what)).rejects.toThrow(ConfigurationError)
  })

  it('[REAL-19] says what to write', async () => {
    const { revoke } = revokingServer()
    await expect(revoke({})).rejects.toThrow('`revoke` takes `jti`, `sub` or `sid`: non-empty strings.')
    await expect(revoke({ jti: 'x', sid: 'y' })).rejects.toThrow('`revoke` takes either `jti`, or `sub` and `sid`.')
    const wrongTime = revoke({ sub: 'x', atSeconds: -1 })
    await expect(wrongTime).rejects.toThrow('`atSeconds` takes seconds since the Unix epoch.')
    await expect(revoke({ sub: 'x', atSeconds: 0 })).resolves.toBeUndefined()
    expect(() => revokingServer({ revocationStore: {} as never })).toThrow(
      '`revocationStore` takes a RevocationStore, such as createRedisRevocationStore gives.',
    )
  })

  it('[REAL-44] [REAL-40] tells what was revoked by its kind, and of a refused token by what', async () => {
    const { issuer, events, revoke, outcome } = revokingServer({ explainRefusals: true })
    const kinds = [
      [{ jti: 'j' }, 'token', 'jti', { jti: 'j' }],
      [{ sid: 's' }, 'session', 'sid', { sid: 's' }],
      [{ sub: 'ada', sid: 't' }, 'session', 'sid', { sub: 'ada', sid: 't' }],
      [{ sub: 'bob' }, 'subject', 'sub', { sub: 'bob' }],
    ] as const
    for (const [what, kind, received, claims] of kinds) {
      await revoke(what)
      expect(events.at(-1)).toEqual({ type: 'revocation.added', issuer: issuer.issuer, kind })
      expect(await outcome(issuer.mintToken(claims))).toBe(revoked)
      expect(events.at(-1)).toMatchObject({ type: 'auth.refused', expected: 'a token that was not revoked', received })
    }
    expect(await outcome(issuer.mintToken({ jti: undefined, sub: 'bob' }))).not.toBe('accepted')
  })

  it('refuses an issuer that is not trusted, listed or by tenants', async () => {
    const stranger = { issuer: 'https://stranger.test', sub: 'x' }
    await expect(revokingServer().server.revoke(stranger)).rejects.toThrow(ConfigurationError)
    const { server } = revokingServer({ issuer: () => undefined, tenants: ['https://tenant.test'] })
    await expect(server.revoke(stranger)).rejects.toThrow(ConfigurationError)
    await expect(server.revoke({ issuer: 'https://tenant.test', sub: 'x' })).resolves.toBeUndefined()
  })
})

describe('the revocation store', () => {
  it('is not asked, when it is our own, before anything was revoked', async () => {
    const store = storeThat({ revokedAt: vi.fn((keys) => keys.map(() => undefined)) })
    const settings = { store, ttlSeconds: 60, leewayMsOf: () => 0, clock: Date.now, onEvent: undefined }
    const token = { issuer: 'https://a.test', subject: 'x', tokenClaims: {} }
    const own = createRevocationList({ ...settings, isShared: false })
    expect(own.isEmpty).toBe(true)
    await own.revoke({ issuer: 'https://a.test', sub: 'y' })
    expect(own.isEmpty).toBe(false)
    await own.check(token)
    expect(store.revokedAt).toHaveBeenLastCalledWith([expect.any(String), expect.any(String)])
    expect(createRevocationList({ ...settings, isShared: true }).isEmpty).toBe(false)
  })

  it('is asked on every request when it is shared, and sees no claim value', async () => {
    const asked: string[] = []
    const store = storeThat({
      async revokedAt(keys) {
        asked.push(...keys)
        return keys.map(() => undefined)
      },
    })
    const { issuer, outcome } = revokingServer({ revocationStore: store })
    const token = issuer.mintToken({ sub: 'ada@example.com', sid: 'session-of-ada', jti: 'token-of-ada' })
    expect(await outcome(token)).toBe('accepted')
    expect(await outcome(token)).toBe('accepted')
    expect(asked).toHaveLength(6)
    for (const key of asked) expect(key).toMatch(/^[\w-]{43}$/)
  })

  it('revokes what another process revoked', async () => {
    const shared = createMemoryRevocationStore()
    const [here, there] = [revokingServer({ revocationStore: shared }), revokingServer({ revocationStore: shared })]
    await there.revoke({ sub: 'user-1' })
    expect(await here.outcome(here.issuer.mintToken())).toBe(revoked)
  })

  const failures: readonly [string, RevocationStore['revokedAt']][] = [
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['rejects with no error', () => Promise.reject('down')],
    ['answers nothing', () => undefined as never],
    ['answers something else', () => ({}) as never],
    ['answers too little', () => []],
    ['answers too little late', async () => []],
    ['answers text', (keys) => keys.map(() => '1767225600000' as never)],
    ['answers what is no number', (keys) => keys.map(() => Number.NaN)],
    ['answers text beside what is good', (keys) => keys.map((_, index) => (index === 0 ? undefined : ('x' as never)))],
  ]

  it.each(failures)('[C-17] makes the request 503 when it %s, never a pass', async (_, revokedAt) => {
    const { issuer, outcome, events } = revokingServer({ revocationStore: storeThat({ revokedAt }) })
    expect(await outcome(issuer.mintToken())).toBe('503 ERR_STORE_UNAVAILABLE')
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'store.failed', store: 'revocation', failedOpen: false }),
    )
  })

  it('[C-17] keeps what the store threw for the log, and tells of it by its kind alone', async () => {
    const events: PortcullisEvent[] = []
    const listOf = (revokedAt: RevocationStore['revokedAt']) =>
      createRevocationList({
        ...{ store: storeThat({ revokedAt }), isShared: true, ttlSeconds: 60, leewayMsOf: () => 0, clock: () => 1000 },
        onEvent: (event) => void events.push(event),
      })
    const token = { issuer: 'https://a.test', subject: 'x', tokenClaims: {} }
    const down = new RangeError('down')
    const check = async (revokedAt: RevocationStore['revokedAt']) => listOf(revokedAt).check(token)
    const refused = { code: 'ERR_STORE_UNAVAILABLE', detail: 'revocation store' }
    const fail = () => {
      throw down
    }
    await expect(check(fail)).rejects.toMatchObject({ ...refused, cause: down })
    await expect(check(() => Promise.reject(down))).rejects.toMatchObject({ ...refused, cause: down })
    const unusable = { name: 'TypeError', message: 'the revocation store gave an unusable answer' }
    await expect(check(() => [])).rejects.toMatchObject({ ...refused, cause: unusable })
    expect(events.map((event) => event.type === 'store.failed' && [event.store, event.reason])).toEqual([
      ['revocation', 'RangeError'],
      ['revocation', 'RangeError'],
      ['revocation', 'TypeError'],
    ])
  })

  it('[C-17] makes the request 503 when it never answers', async () => {
    const { issuer, outcome } = revokingServer({
      revocationStore: storeThat({ revokedAt: () => new Promise(() => {}) }),
    })
    const token = issuer.mintToken()
    vi.useFakeTimers()
    const late = outcome(token)
    await vi.advanceTimersByTimeAsync(5000)
    expect(await late).toBe('503 ERR_STORE_UNAVAILABLE')
  })

  it('takes null for not revoked, as many stores say it', async () => {
    const store = storeThat({ revokedAt: async (keys) => keys.map(() => null as never) })
    const { issuer, outcome } = revokingServer({ revocationStore: store })
    expect(await outcome(issuer.mintToken())).toBe('accepted')
  })

  it('[REAL-44] lets revoke reject when it fails, and tells a code', async () => {
    for (const failing of [
      storeThat({ revoke: () => Promise.reject(new Error('down')) }),
      storeThat({
        revoke: () => {
          throw new Error('down')
        },
      }),
    ]) {
      const { revoke, events } = revokingServer({ revocationStore: failing })
      await expect(revoke({ sub: 'x' })).rejects.toThrow(UnavailableError)
      expect(events).toContainEqual({ type: 'store.failed', store: 'revocation', reason: 'Error', failedOpen: false })
    }
  })

  it('must be a store', () => {
    for (const revocationStore of [{}, { revoke() {} }, null] as never[]) {
      expect(() => revokingServer({ revocationStore })).toThrow(ConfigurationError)
    }
  })
})
