import type { TokenSet } from 'portcullis/client'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { rejection } from '../../../support/client-set-up.js'
import { html503, silent, tokens } from '../../../support/fake-token-endpoint.js'
import { testKey } from '../../../support/key-material.js'
import { idTokenClaims, nowSeconds, setUpLogin, signIdToken } from '../../../support/login-set-up.js'

async function loggedIn(claims: object = {}) {
  const setUp = setUpLogin()
  const request = await setUp.begin()
  setUp.issue(
    request,
    { auth_time: nowSeconds - 5, ...claims },
    { refresh_token: 'r1', refresh_expires_in: 600, scope: 'openid' },
  )
  const { tokens: previous } = await setUp.client.exchangeCode({ callback: setUp.callback(request), request })
  const refresh = (answerWith: object, from: TokenSet = previous) => {
    setUp.server.script('/token', tokens({ access_token: 'a2', ...answerWith }))
    return setUp.client.refresh({ refreshToken: 'r1', previous: from })
  }
  return { ...setUp, previous, refresh }
}

const again = (claims: object = {}) =>
  signIdToken(idTokenClaims({ auth_time: nowSeconds - 5, iat: nowSeconds + 1, ...claims }))

describe('an ID token of a refresh', () => {
  it('[OIDC-08] [S1-14] takes the place of the old one where it is about the same login', async () => {
    const { refresh } = await loggedIn()
    const idToken = again()
    const next = await refresh({ id_token: idToken, refresh_token: 'r2' })
    expect(next).toMatchObject({ accessToken: 'a2', refreshToken: 'r2', idToken, scope: ['openid'] })
    expect(next.refreshExpiresAt).toBeUndefined()
  })

  it('[S1-14] [S2-20] may be missing, like everything else: what was there stays', async () => {
    const { refresh, previous } = await loggedIn()
    const next = await refresh({})
    expect(next).toMatchObject({ accessToken: 'a2', refreshToken: 'r1', scope: ['openid'] })
    expect(next.idToken).toBe(previous.idToken)
    expect(next.refreshExpiresAt).toBe(nowSeconds + 600)
  })

  it.each([
    ['sub', { sub: 'mallory' }],
    ['iss', { iss: 'https://other.example' }],
    ['aud', { aud: ['app', 'more'], azp: 'app' }],
    ['aud that is one text', { aud: 'other' }],
    ['auth_time', { auth_time: nowSeconds }],
  ])('[OIDC-08] [F3] ends the session with another %s', async (_name, claims) => {
    const { refresh } = await loggedIn()
    expect(await rejection(refresh({ id_token: again(claims) }))).toMatchObject({
      code: 'ERR_ID_TOKEN_SUBJECT_CHANGED',
    })
  })

  it('[OIDC-05] [OIDC-08] belongs to the access token that came with it', async () => {
    const { refresh } = await loggedIn()
    expect(await rejection(refresh({ id_token: again({ at_hash: 'of another' }) }))).toMatchObject({
      ...{ code: 'ERR_ID_TOKEN_HASH', detail: 'at_hash' },
    })
  })

  it('[OIDC-08] ends the session with one more or one other of several audiences', async () => {
    const { refresh } = await loggedIn({ aud: ['app', 'api'], azp: 'app' })
    for (const aud of [['app', 'other'], ['app'], ['app', 'api', 'other']]) {
      const error = await rejection(refresh({ id_token: again({ aud, azp: 'app' }) }))
      expect(error, String(aud)).toMatchObject({ code: 'ERR_ID_TOKEN_SUBJECT_CHANGED' })
    }
  })

  it('[OIDC-08] is refused where it is empty, and where the one before cannot be read', async () => {
    const { refresh, previous } = await loggedIn()
    expect(await rejection(refresh({ id_token: '' }))).toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' })
    const unread = { ...previous, idToken: 'junk' } as TokenSet
    expect(await rejection(refresh({ id_token: again() }, unread))).toMatchObject({
      code: 'ERR_ID_TOKEN_SUBJECT_CHANGED',
    })
  })

  it('[OIDC-08] needs no auth_time, and may have its audiences in another order', async () => {
    const { refresh } = await loggedIn({ aud: ['app', 'api'], azp: 'app' })
    expect(
      (await refresh({ id_token: again({ auth_time: undefined, aud: ['api', 'app'], azp: 'app' }) })).accessToken,
    ).toBe('a2')
  })

  it('is refused with a wrong signature, and where nothing can be read in it', async () => {
    const { refresh } = await loggedIn()
    const forged = signIdToken(idTokenClaims(), { kid: 'k1' }, testKey('thief'))
    expect(await rejection(refresh({ id_token: forged }))).toMatchObject({ code: 'ERR_ID_TOKEN_SIGNATURE' })
    for (const unreadable of ['junk', 'e30.e30.e30.e30.e30']) {
      const error = await rejection(refresh({ id_token: unreadable }))
      expect(error).toMatchObject({ code: 'ERR_ID_TOKEN_SUBJECT_CHANGED' })
    }
  })

  it('loses no refresh token while the keys cannot be had: the old ID token stays', async () => {
    const { server, time, refresh, previous } = await loggedIn()
    server.script('/jwks', html503())
    time.nowMs += 86_400_000
    const next = await refresh({ id_token: again(), refresh_token: 'r2' })
    expect(next.refreshToken).toBe('r2')
    expect(next.idToken).toBe(previous.idToken)
  })

  it.each([
    ['discovery hangs', '/.well-known/openid-configuration', undefined],
    ['the key set hangs', '/jwks', ['ES256']],
  ])('loses no refresh token where %s until the time of the call is up', async (_name, path, algorithms) => {
    vi.useFakeTimers({ now: nowSeconds * 1000 })
    onTestFinished(() => void vi.useRealTimers())
    const { server, client } = setUpLogin()
    server.metadata = { ...server.metadata, id_token_signing_alg_values_supported: algorithms }
    server.script('/token', tokens({ id_token: again(), refresh_token: 'r2' }))
    const isAsked = new Promise<void>((tell) => {
      server.script(path, (...request) => {
        tell()
        return silent()(...request)
      })
    })
    await vi.advanceTimersByTimeAsync(60_000)
    const idToken = signIdToken(idTokenClaims())
    const params = { refreshToken: 'r1', previous: { idToken } }
    const refreshed = client.refresh(params, { totalTimeoutMs: 3000 }).catch((error: unknown) => error)
    await isAsked
    await vi.advanceTimersByTimeAsync(3000)
    expect(await refreshed).toMatchObject({ refreshToken: 'r2', idToken })
  })

  it('is left out where the client does not say what it had before', async () => {
    const { server, client } = await loggedIn()
    server.script('/token', tokens({ id_token: 'whatever' }))
    expect((await client.refresh({ refreshToken: 'r1' })).idToken).toBeUndefined()
  })
})
