import { LoginDeniedError, LoginError } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { freezeTransaction } from '../../../src/login/transaction.js'
import { rejection } from '../../support/client-set-up.js'
import { answer, html503, refusal, tokens } from '../../support/fake-token-endpoint.js'
import { jwkSet } from '../../support/key-material.js'
import { setUpProvider } from '../../support/provider-set-up.js'

describe('the end of a login', () => {
  it('[S1-13] [S2-12] [S2-19] [SEC-06] gives tokens, claims and the account', async () => {
    const { provider, begin, back, issue, events } = setUpProvider()
    const request = await begin()
    issue(request, { email: 'a@example.com' })
    const result = await provider.redeem(back(request), request.transaction)
    expect(result.account).toEqual({ issuer: 'https://as.example', subject: 'alice' })
    expect(result.claims?.['email']).toBe('a@example.com')
    expect(result.userInfo).toBeUndefined()
    expect(result.tokens.idToken).toBeDefined()
    for (const part of [result, result.account]) expect(Object.isFrozen(part)).toBe(true)
    expect(events.at(-1)).toEqual({ type: 'login.completed', provider: 'corporate', issuer: 'https://as.example' })
  })

  it('[AZ-02] happens once, however the transaction is kept', async () => {
    const { provider, server, begin, back, issue } = setUpProvider()
    const request = await begin()
    issue(request)
    await provider.redeem(back(request), request.transaction)
    const copy = freezeTransaction(request.transaction)
    for (const transaction of [request.transaction, copy]) {
      const error = await rejection(provider.redeem(back(request), transaction))
      expect(error).toBeInstanceOf(LoginError)
      expect(error).toMatchObject({ code: 'ERR_LOGIN_TRANSACTION', detail: 'redeemed before' })
    }
    expect(server.at('/token')).toHaveLength(1)
  })

  it('[AZ-02] happens once also where the code was refused, or the user said no', async () => {
    const { provider, server, begin, back } = setUpProvider()
    const request = await begin()
    server.script('/token', refusal('invalid_grant'))
    expect(await rejection(provider.redeem(back(request), request.transaction))).toMatchObject({
      code: 'ERR_INVALID_GRANT',
    })
    expect(await rejection(provider.redeem(back(request), request.transaction))).toMatchObject({
      code: 'ERR_LOGIN_TRANSACTION',
    })
    const denied = await begin()
    const no = back(denied, { error: 'access_denied', code: undefined })
    expect(await rejection(provider.redeem(no, denied.transaction))).toBeInstanceOf(LoginDeniedError)
    expect(await rejection(provider.redeem(no, denied.transaction))).toMatchObject({ code: 'ERR_LOGIN_TRANSACTION' })
  })

  it('[L03] goes on after an answer of somebody else, and after trouble before the code was sent', async () => {
    const { provider, server, begin, back, issue, time } = setUpProvider()
    const request = await begin()
    issue(request)
    const redeem = (further: Record<string, string | undefined> = {}) =>
      provider.redeem(back(request, further), request.transaction)
    expect(await rejection(redeem({ state: 'x' }))).toMatchObject({ code: 'ERR_LOGIN_STATE' })
    expect(await rejection(redeem({ iss: 'https://evil.example' }))).toMatchObject({ code: 'ERR_LOGIN_ISSUER' })
    expect(await rejection(redeem({ code: undefined }))).toMatchObject({ code: 'ERR_LOGIN_RESPONSE' })
    expect(await rejection(provider.redeem(7 as never, request.transaction))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
    })
    server.script('/jwks', html503(), answer(jwkSet('k1')))
    expect(await rejection(redeem())).toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
    expect(server.at('/token')).toEqual([])
    // The keys are asked for again.
    time.nowMs += 60_000
    expect((await redeem()).account.subject).toBe('alice')
  })

  it.each([
    ['of another provider', { provider: 'other' }, 'of another provider'],
    ['of another issuer', { issuer: 'https://other.example' }, 'of another provider'],
    ['of another client', { clientId: 'other' }, 'of another provider'],
    ['that expired', { expiresAt: 1_800_000_000 }, 'expired'],
  ])('[AZ-05] [SEC-06] takes no transaction %s', async (_name, changed, detail) => {
    const { provider, server, begin, back, issue } = setUpProvider()
    const request = await begin()
    issue(request)
    const { state, nonce, codeVerifier } = request.transaction
    const transaction = freezeTransaction({ ...request.transaction, state, nonce, codeVerifier, ...changed })
    expect(await rejection(provider.redeem(back(request), transaction))).toMatchObject({
      ...{ code: 'ERR_LOGIN_TRANSACTION', detail },
    })
    expect(server.requests.filter(({ url }) => url.endsWith('/token'))).toEqual([])
  })

  it('[AZ-02] takes a transaction until its time is up', async () => {
    const { provider, begin, back, issue, time } = setUpProvider({ transactionSeconds: 60 })
    const request = await begin()
    issue(request, { exp: 1_800_001_000 })
    time.nowMs += 60_000
    expect(await rejection(provider.redeem(back(request), request.transaction))).toMatchObject({ detail: 'expired' })
    time.nowMs -= 1
    expect((await provider.redeem(back(request), request.transaction)).account.subject).toBe('alice')
  })

  it.each([undefined, null, 7, {}, { v: 1 }])('is refused for %j instead of a transaction', async (transaction) => {
    const { provider } = setUpProvider()
    expect(await rejection(provider.redeem('code=x&state=y', transaction as never))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
      message: expect.stringContaining('transaction'),
    })
  })

  it('[OIDC-07] [D05] fails with userinfo, unless that is optional; never passes another user over', async () => {
    const outcome = async (fetchUserInfo: boolean | 'optional', behaviour: ReturnType<typeof answer>) => {
      const { provider, server, begin, back, issue } = setUpProvider({ fetchUserInfo })
      const request = await begin()
      issue(request)
      server.script('/userinfo', behaviour)
      return provider.redeem(back(request), request.transaction)
    }
    const info = { sub: 'alice', name: 'A' }
    expect((await outcome(true, answer(info))).userInfo).toEqual(info)
    expect((await outcome('optional', answer(info))).userInfo).toEqual(info)
    expect(await rejection(outcome(true, html503()))).toMatchObject({ code: 'ERR_UNAVAILABLE' })
    expect((await outcome('optional', html503())).userInfo).toBeUndefined()
    expect(await rejection(outcome('optional', answer({ sub: 'mallory' })))).toMatchObject({
      code: 'ERR_LOGIN_SUBJECT',
    })
  })

  it.each([
    [{ uid: 7 }, '7'],
    [{ uid: 'seven' }, 'seven'],
    [{ uid: 0 }, '0'],
    [{ uid: 's'.repeat(255) }, 's'.repeat(255)],
  ])('[S2-56] takes the account of a server without OpenID Connect from userinfo: %j', async (info, subject) => {
    const { provider, server, begin, back } = setUpProvider({ type: 'oauth2', subject: 'uid' })
    const request = await begin()
    server.script('/token', tokens())
    server.script('/userinfo', answer(info))
    const result = await provider.redeem(back(request), request.transaction)
    expect(result).toMatchObject({
      account: { issuer: 'https://as.example', subject },
      claims: undefined,
      userInfo: info,
    })
  })

  it.each([
    {},
    { sub: '' },
    { sub: null },
    { sub: 1.5 },
    { sub: 's'.repeat(256) },
    { email: 'a@example.com', login: 'a' },
  ])('[S2-56] [D05] [L07] lets in no user without an identifier: %j', async (info) => {
    const { provider, server, begin, back } = setUpProvider({ type: 'oauth2' })
    const request = await begin()
    server.script('/token', tokens())
    server.script('/userinfo', answer(info))
    expect(await rejection(provider.redeem(back(request), request.transaction))).toMatchObject({
      code: 'ERR_LOGIN_SUBJECT',
    })
  })
})
