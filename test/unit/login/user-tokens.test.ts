import { inspect } from 'node:util'
import { OAuthClientError, tokenSetFromResponse } from 'portcullis/client'
import {
  createMemoryTokenStore,
  createUserTokens,
  ReauthenticationRequiredError,
  type TokenProvider,
} from 'portcullis/login'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { tokens as tokenAnswer } from '../../support/fake-token-endpoint.js'
import { idTokenClaims, signIdToken } from '../../support/login-set-up.js'
import { expectRules } from '../../support/option-rules.js'
import { setUpProvider } from '../../support/provider-set-up.js'
import { reauth, rejected, setUpUserTokens as setUp, shared } from '../../support/user-tokens-set-up.js'

const startMs = 1_800_000_000_000

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)

describe('createUserTokens', () => {
  it('[S1-28] [S2-03] [S2-32] [S2-38] keeps the tokens of a login, for this process and the next', async () => {
    const { server, open, inner } = setUp()
    const tokens = server.signIn('alice', { id_token: 'the-id-token', team: 7 })
    const account = { issuer: 'https://login.example.com', subject: 'alice' }
    await open().set(tokens, { account })
    expect(await inner.get('user')).toMatchObject({ v: 1, account, savedAt: startMs / 1000 })
    const restored = await open().restore()
    expect(restored).toEqual(tokens)
    expect([restored?.idToken, restored?.metadata]).toEqual(['the-id-token', { team: 7 }])
  })

  it('[S2-37] restores nothing where nothing is, and tells nobody', async () => {
    const { open, reasons } = setUp()
    expect(await open().restore()).toBeUndefined()
    expect(reasons).toEqual([])
  })

  it('[S2-37] renews what has expired when it is restored', async () => {
    const { server, open } = setUp()
    const tokens = server.signIn()
    await open().set(tokens)
    await pass(101)
    const restored = await open().restore()
    expect(restored?.accessToken).not.toBe(tokens.accessToken)
    expect(server.redemptions).toBe(1)
  })

  it('[S2-37] restores nothing where the session is over, and passes on what is no answer', async () => {
    const { server, open, reasons } = setUp()
    const tokens = server.signIn()
    await open().set(tokens)
    await pass(101)
    server.next(new OAuthClientError('ERR_CONNECTION'))
    await expect(open().restore()).rejects.toMatchObject({ code: 'ERR_CONNECTION' })
    server.endSession(tokens)
    expect(await open().restore()).toBeUndefined()
    expect(reasons).toEqual(['invalid_grant'])
  })

  it('[S1-27] gives the known token while it is good, without asking store or server', async () => {
    const { server, open } = setUp()
    const store = shared(createMemoryTokenStore({ clock: Date.now }))
    const get = vi.spyOn(store, 'get')
    const tokens = open({}, store)
    const first = server.signIn()
    await tokens.set(first)
    await pass(89)
    expect(await tokens.getToken()).toBe(first)
    expect([get.mock.calls.length, server.redemptions]).toEqual([0, 0])
  })

  it('[S2-35] [S2-39] [D10] renews near the end in the background: 60 s before, or in the last tenth', async () => {
    for (const [lifeSeconds, atSeconds] of [
      [3600, 3541],
      [100, 91],
    ] as const) {
      const { server, open } = setUp({ lifeSeconds })
      const tokens = open()
      const first = server.signIn()
      await tokens.set(first)
      await pass(atSeconds - 2)
      expect(await tokens.getToken()).toBe(first)
      await pass(0)
      expect(server.redemptions).toBe(0)
      await pass(2)
      expect(await tokens.getToken()).toBe(first)
      await pass(0)
      expect(server.redemptions).toBe(1)
      expect((await tokens.getToken()).accessToken).not.toBe(first.accessToken)
    }
  })

  it('[S2-35] renews as far ahead as it is told', async () => {
    const { server, open } = setUp({ lifeSeconds: 3600 })
    const tokens = open({ skewSeconds: 0 })
    await tokens.set(server.signIn())
    await pass(3599)
    await tokens.getToken()
    await pass(0)
    expect(server.redemptions).toBe(0)
  })

  it('[S1-27] [D24] never gives a token that has expired', async () => {
    const { server, open } = setUp()
    const tokens = open()
    const first = server.signIn()
    await tokens.set(first)
    await pass(100)
    server.next('unreached')
    await expect(tokens.getToken()).rejects.toMatchObject({ code: 'ERR_CONNECTION' })
    const second = await tokens.getToken()
    expect(second.accessToken).not.toBe(first.accessToken)
    expect(second.expiresAt).toBe(Date.now() / 1000 + 100)
  })

  it('[D06] [S2-39] renews once for any number of callers, also of several objects', async () => {
    const { server, open } = setUp()
    const store = shared(createMemoryTokenStore({ clock: Date.now }))
    const [one, two] = [open({}, store), open({}, store)]
    await one.set(server.signIn())
    await pass(100)
    const all = await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 ? one : two).getToken()))
    expect(new Set(all.map(({ accessToken }) => accessToken)).size).toBe(1)
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
  })

  it('[S1-26] says whether there is a usable token, and renews none', async () => {
    const { server, open } = setUp()
    const tokens = open()
    expect(await tokens.isAuthenticated()).toBe(false)
    await tokens.set(server.signIn())
    expect(await open().isAuthenticated()).toBe(true)
    await pass(100)
    expect(await tokens.isAuthenticated()).toBe(false)
    expect(server.sent).toEqual([])
  })

  it('[S2-40] renews when it is told to, also a good token', async () => {
    const { server, open, types } = setUp()
    const tokens = open()
    const first = server.signIn()
    await tokens.set(first)
    const second = await tokens.refresh()
    const third = await tokens.getToken({ forceRefresh: true })
    expect(new Set([first, second, third].map(({ accessToken }) => accessToken)).size).toBe(3)
    expect(types()).toEqual(['tokens.refreshed', 'tokens.refreshed'])
    expect((await open().restore())?.accessToken).toBe(third.accessToken)
  })

  it('[S1-27] gets another token for one that was refused, without a refresh where there is one already', async () => {
    const { server, open } = setUp()
    const [here, there] = [open(), open()]
    const first = server.signIn()
    await here.set(first)
    await there.restore()
    const second = await here.getToken({ rejected: first })
    expect(second.accessToken).not.toBe(first.accessToken)
    expect((await there.getToken({ forceRefresh: true, rejected: first })).accessToken).toBe(second.accessToken)
    expect((await here.getToken({ rejected: first })).accessToken).toBe(second.accessToken)
    expect(server.redemptions).toBe(1)
  })

  it('[S1-27] does not take a refresh under way for an answer to a refused token', async () => {
    const { server, open } = setUp()
    const tokens = open()
    const first = server.signIn()
    await tokens.set(first)
    await pass(95)
    const other = tokenSetFromResponse({ access_token: 'renewed', token_type: 'Bearer', expires_in: 50 })
    server.next(async () => other)
    await tokens.getToken()
    const [mine] = await Promise.all([tokens.getToken({ rejected: first }), tokens.getToken({ rejected: other })])
    expect(mine.accessToken).toBe('renewed')
  })

  it('[S1-33] renews nothing for a caller who wants no refresh', async () => {
    const { server, open, reasons } = setUp()
    const [here, there] = [open(), open()]
    const first = server.signIn()
    await here.set(first)
    expect(await here.getToken({ autoRefresh: false })).toBe(first)
    await there.restore()
    await pass(95)
    expect(await here.getToken({ autoRefresh: false })).toBe(first)
    await pass(6)
    expect(await rejected(here.getToken({ autoRefresh: false }))).toEqual(reauth('expired'))
    expect([server.redemptions, reasons]).toEqual([0, []])
    const renewed = await there.getToken()
    expect((await here.getToken({ autoRefresh: false })).accessToken).toBe(renewed.accessToken)
  })

  it('[S1-29] [S2-41] forgets the tokens in memory and in the store', async () => {
    const { server, open, inner } = setUp()
    const tokens = open()
    const first = server.signIn()
    await tokens.set(first)
    await tokens.clear()
    expect(await inner.has('user')).toBe(false)
    expect(await rejected(tokens.getToken())).toEqual(reauth('logged_out'))
    expect([server.revoked, server.isAlive(first)]).toEqual([[], true])
  })

  it('[S2-41] ends the session at the server too, and deletes the entry where that fails', async () => {
    const { server, open, inner, events } = setUp()
    const tokens = open()
    const first = server.signIn()
    await tokens.set(first)
    expect(await tokens.logout()).toEqual({ revocation: 'revoked' })
    expect(server.revoked).toEqual([first.refreshToken])
    expect(await tokens.logout()).toEqual({ revocation: 'nothing' })
    const failing: TokenProvider = { ...server.provider, revoke: () => Promise.reject(new Error('no')) }
    const other = open({ provider: failing })
    await other.set(server.signIn())
    expect(await other.logout({ revoke: true })).toEqual({ revocation: 'failed' })
    expect(await inner.has('user')).toBe(false)
    const silent = open({ provider: { ...server.provider, revoke: () => new Promise(() => {}) } })
    await silent.set(server.signIn())
    const outcome = silent.logout()
    await pass(3)
    expect(await outcome).toEqual({ revocation: 'failed' })
    expect(events.at(-1)).toEqual({ type: 'logout.completed', provider: 'corporate', revocation: 'failed' })
  })

  it('[S2-36] [L08] tells once that the user has to sign in again, until tokens are there', async () => {
    const { server, open, reasons, events } = setUp()
    const tokens = open()
    for (let n = 0; n < 3; n += 1) expect(await rejected(tokens.getToken())).toEqual(reauth('no_tokens'))
    expect(reasons).toEqual(['no_tokens'])
    const first = server.signIn()
    await tokens.set(first)
    server.endSession(first)
    await pass(100)
    const errors = await Promise.all(Array.from({ length: 5 }, () => rejected(tokens.getToken())))
    for (const error of errors) expect(error).toEqual(reauth('invalid_grant'))
    expect(await rejected(tokens.getToken())).toEqual(reauth('invalid_grant'))
    expect(reasons).toEqual(['no_tokens', 'invalid_grant'])
    const told = { type: 'tokens.reauth_required', provider: 'corporate' }
    expect(events.filter(({ type }) => type === told.type)).toEqual([
      { ...told, reason: 'no_tokens' },
      { ...told, reason: 'invalid_grant' },
    ])
  })

  it('[S2-36] does not mind a listener that fails', async () => {
    for (const onReauthRequired of [
      () => {
        throw new Error('sync')
      },
      () => Promise.reject(new Error('async')),
      undefined,
    ]) {
      const { open } = setUp()
      expect(await rejected(open({ onReauthRequired }).getToken())).toEqual(reauth('no_tokens'))
    }
  })

  it('[S2-42] [S1-82] rejects with an error that says why, and holds no token', async () => {
    const { server, open } = setUp()
    const tokens = open()
    await tokens.set(tokenSetFromResponse({ access_token: 'CANARY', token_type: 'Bearer', expires_in: 10 }))
    await pass(11)
    const error = await rejected(tokens.getToken())
    expect(error).toBeInstanceOf(ReauthenticationRequiredError)
    expect(error).toBeInstanceOf(OAuthClientError)
    expect(error).toEqual(reauth('no_refresh_token'))
    expect(error).toMatchObject({ category: 'login', retryable: false, issuer: server.provider.issuer })
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('CANARY')
  })

  it('[S2-42] says that the time of the refresh token is over, and tells it once', async () => {
    const { server, open, reasons } = setUp()
    const tokens = open()
    await tokens.set(server.signIn('alice', { refresh_expires_in: 150, expires_in: 200 }))
    await pass(201)
    for (let n = 0; n < 2; n += 1)
      expect(await rejected(tokens.getToken())).toBeInstanceOf(ReauthenticationRequiredError)
    expect(server.sent).toEqual([])
    expect(reasons).toHaveLength(1)
    const other = open()
    await other.set(server.signIn('alice', { refresh_expires_in: 150, expires_in: 200 }))
    await pass(160)
    expect(await rejected(other.refresh())).toEqual(reauth('refresh_expired'))
  })

  it('keeps a user signed in whose refresh token ends while it is used', async () => {
    const { server, open } = setUp()
    const [here, there] = [open(), open()]
    await here.set(server.signIn('alice', { refresh_expires_in: 150 }))
    await pass(149)
    server.gate = () => new Promise((resolve) => setTimeout(resolve, 2000))
    const renewed = here.getToken()
    await pass(3)
    const { accessToken } = await renewed
    expect((await there.restore())?.accessToken).toBe(accessToken)
    expect([server.redemptions, server.revoked]).toEqual([1, []])
  })

  it('[D11] keeps the entry an hour longer than both of its tokens live', async () => {
    const { server, open } = setUp()
    const store = shared(createMemoryTokenStore({ clock: Date.now }))
    const set = vi.spyOn(store, 'set')
    const tokens = open({}, store)
    await tokens.set(server.signIn('alice', { refresh_expires_in: 500 }))
    await tokens.set(server.signIn('alice', { refresh_expires_in: 50 }))
    await tokens.set(server.signIn())
    expect(set.mock.calls.map(([, , lifetime]) => lifetime)).toEqual([{ ttlMs: 4_100_000 }, { ttlMs: 3_700_000 }, {}])
  })

  it('ends the waiting of one caller, and not the refresh', async () => {
    const { server, open } = setUp()
    const tokens = open()
    await tokens.set(server.signIn())
    await pass(100)
    let release = () => {}
    server.gate = () =>
      new Promise((resolve) => {
        release = resolve
      })
    const controller = new AbortController()
    const aborted = rejected(tokens.getToken({ signal: controller.signal }))
    const late = rejected(tokens.getToken({ timeoutMs: 5 }))
    const patient = tokens.getToken({ timeoutMs: 60_000, signal: new AbortController().signal })
    await pass(0.001)
    controller.abort()
    await pass(1)
    expect(await aborted).toMatchObject({ code: 'ERR_ABORTED' })
    expect(await late).toMatchObject({ code: 'ERR_TIMEOUT' })
    release()
    expect((await patient).accessToken).toContain('alice')
    expect(server.redemptions).toBe(1)
    await tokens.clear()
    expect(await rejected(tokens.getToken({ timeoutMs: 5 }))).toEqual(reauth('logged_out'))
  })

  it('has the key that bound tokens need', () => {
    const { server, open } = setUp()
    const dpop = { thumbprint: async () => 't', proof: async () => 'p' }
    expect(open().dpop).toBeUndefined()
    expect(open({ provider: { ...server.provider, client: { dpop } } }).dpop).toBe(dpop)
  })

  it('[D06] renews once in one process without a lock too, also for two objects of one store', async () => {
    const { server, open, inner } = setUp()
    const [one, two] = [open({ lock: undefined }, inner), open({ lock: undefined }, inner)]
    await one.set(server.signIn())
    await pass(101)
    const both = await Promise.all([one.getToken(), two.getToken()])
    expect(both[0].accessToken).toBe(both[1].accessToken)
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
  })

  it('[S2-33] refuses options that cannot be right', () => {
    const { open } = setUp()
    for (const [more, message] of [
      [{ provider: {} }, '`provider`'],
      [{ provider: undefined }, '`provider`'],
      [{ store: {} }, '`store`'],
      [{ key: '' }, '`key`'],
      [{ key: 'x'.repeat(513) }, '`key`'],
      [{ key: undefined }, '`key`'],
      [{ skewSeconds: -1 }, '`skewSeconds`'],
      [{ refreshTimeoutMs: 0 }, '`refreshTimeoutMs`'],
      [{ ambiguousRetrySeconds: 1.5 }, '`ambiguousRetrySeconds`'],
      [{ reuseGraceSeconds: '1' }, '`reuseGraceSeconds`'],
      [{ onReauthRequired: 1 }, '`onReauthRequired`'],
      [{ sesionKey: 1 }, 'sesionKey'],
      [{ lock: undefined }, '`lock` is needed'],
    ] as const) {
      expect(() => open(more as never)).toThrow(message)
    }
    expect(() => open({ lock: undefined }, createMemoryTokenStore())).not.toThrow()
  })

  it('[S2-33] holds each option to its bounds', () => {
    const { open, inner, lock, server } = setUp()
    const { refresh, revoke } = server.provider
    const words = 'takes a whole number from'
    expectRules(
      [
        ['skewSeconds', [undefined, 0, 3600], [-1, 3601, 0.5], `${words} 0 to 3600.`],
        ['refreshTimeoutMs', [undefined, 1, 600_000], [0, 600_001], `${words} 1 to 600000.`],
        ['ambiguousRetrySeconds', [undefined, 0, 3600], [-1, 3601], `${words} 0 to 3600.`],
        ['reuseGraceSeconds', [undefined, 0, 3600], [-1, 3601], `${words} 0 to 3600.`],
        ['onReauthRequired', [undefined, () => undefined], [5], 'takes a function.'],
        ['onEvent', [undefined, () => undefined], [5], 'takes a function.'],
        ['clock', [undefined, () => 5], [5], 'takes a function.'],
        ['lock', [lock], [{}], 'takes an object with the functions acquire.'],
        [
          'provider',
          [server.provider],
          [undefined, { refresh }, { revoke }],
          'takes an object with the functions refresh, revoke.',
        ],
        ['key', ['k', 'k'.repeat(512)], ['', 'k'.repeat(513), undefined, 5], 'takes text of 1 to 512 characters.'],
      ],
      open,
    )
    for (const name of ['get', 'set', 'replace', 'delete', 'describe'] as const) {
      expect(() => open({}, { ...inner, [name]: undefined } as never)).toThrow(
        '`store` takes an object with the functions get, set, replace, delete, describe.',
      )
    }
    expect(() => open({ sesionKey: 1 } as never)).toThrow(/^createUserTokens has no option `sesionKey`/)
    expect(() => open({ lock: undefined })).toThrow(
      '`lock` is needed: other processes may share the store, and two of them must not refresh.',
    )
  })

  it('[S2-33] takes a store that says how long it takes, within an hour, and waits for it as long', async () => {
    const { open, inner, server } = setUp()
    const slow = (timeoutMs: number) => ({ ...inner, describe: () => ({ ...inner.describe(), timeoutMs }) })
    for (const timeoutMs of [-1, 3_600_001, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => open({}, slow(timeoutMs))).toThrow(
        '`store` describes itself with a `timeoutMs` that is not 0 to 3600000.',
      )
    }
    for (const [timeoutMs, waitsMs] of [
      [0, 20_000],
      [19_000, 20_000],
      [30_000, 31_000],
      [3_600_000, 3_601_000],
    ] as const) {
      const tokens = open({}, { ...slow(timeoutMs), get: () => new Promise(() => {}) })
      let isOver = false
      void rejected(tokens.isAuthenticated()).then(() => (isOver = true))
      await vi.advanceTimersByTimeAsync(waitsMs - 1)
      expect([timeoutMs, isOver]).toEqual([timeoutMs, false])
      await vi.advanceTimersByTimeAsync(1)
      expect([timeoutMs, isOver]).toEqual([timeoutMs, true])
    }
    expect(server.sent).toEqual([])
  })

  it('refuses arguments that cannot be right', async () => {
    const wrong = setUp().open()
    for (const [options, message] of [
      [{ force: true }, 'getToken has no option `force`.'],
      [{ forceRefresh: 1 }, '`forceRefresh` takes true or false.'],
      [{ autoRefresh: 1 }, '`autoRefresh` takes true or false.'],
      [{ rejected: {} }, '`rejected` takes a token set.'],
      [{ rejected: { accessToken: 5 } }, '`rejected` takes a token set.'],
      [{ signal: {} }, '`signal` takes an AbortSignal.'],
      [{ timeoutMs: 0 }, '`timeoutMs` takes a whole number from 1'],
    ] as const) {
      const error = await rejected(wrong.getToken(options as never))
      expect(error).toMatchObject({ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining(message) })
    }
    for (const tokens of [undefined, 'x', {}, { accessToken: 5 }]) {
      const error = await rejected(wrong.set(tokens as never))
      expect(error).toMatchObject({
        code: 'ERR_CLIENT_ARGUMENT',
        message: expect.stringContaining('`set` takes a token set.'),
      })
    }
    const { open } = setUp()
    const tokens = open()
    await expect(tokens.getToken({ force: true } as never)).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
    await expect(tokens.getToken({ rejected: 'x' as never })).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
    await expect(tokens.getToken({ signal: {} as never })).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
    await expect(tokens.set('x' as never)).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
  })
})

describe('createUserTokens with a provider of createProvider', () => {
  async function signedIn() {
    const world = setUpProvider({ clock: Date.now })
    const request = await world.begin()
    world.issue(request, {}, { refresh_token: 'CANARY-refresh-1', expires_in: 100 })
    const { tokens: login, account } = await world.provider.redeem(world.back(request), request.transaction)
    const reasons: string[] = []
    const onReauthRequired = (reason: string) => void reasons.push(reason)
    const store = createMemoryTokenStore({ clock: Date.now })
    const { provider } = world
    const tokens = createUserTokens({ provider, store, key: 'user', clock: Date.now, onReauthRequired })
    await tokens.set(login, { account })
    return { ...world, store, tokens, login, reasons }
  }

  it('[S1-14] [S2-20] keeps refresh token and ID token where the answer brings none', async () => {
    const { server, tokens, login } = await signedIn()
    server.script('/token', tokenAnswer({ access_token: 'CANARY-access-2', expires_in: 100 }))
    await pass(101)
    const renewed = await tokens.getToken()
    expect(renewed.accessToken).toBe('CANARY-access-2')
    expect([renewed.refreshToken, renewed.idToken]).toEqual([login.refreshToken, login.idToken])
    expect(server.at('/token').at(-1)?.form.get('refresh_token')).toBe('CANARY-refresh-1')
  })

  it('[OIDC-08] [A4] throws the tokens of another user away, and ends the session', async () => {
    const { server, tokens, store, reasons } = await signedIn()
    const idToken = signIdToken(idTokenClaims({ sub: 'mallory' }))
    server.script('/token', tokenAnswer({ access_token: 'CANARY-mallory', id_token: idToken, refresh_token: 'r2' }))
    await pass(101)
    const error = await rejected(tokens.getToken())
    expect(error).toEqual(reauth('subject_changed'))
    expect(inspect(error, { depth: 9 })).not.toContain('CANARY')
    expect([await store.has('user'), reasons]).toEqual([false, ['subject_changed']])
  })

  it('[S2-41] revokes the refresh token, then the access token', async () => {
    const { server, tokens, login } = await signedIn()
    expect(await tokens.logout()).toEqual({ revocation: 'revoked' })
    const sent = server.at('/revoke').map(({ form }) => form.get('token'))
    expect(sent).toEqual([login.refreshToken, login.accessToken])
  })
})
