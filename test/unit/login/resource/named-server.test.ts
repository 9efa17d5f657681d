import { createMcpAuthProvider, type PortcullisEvent, type SignInProvider, type SignInRequest } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import {
  discoveryUrl,
  issuer,
  resourceUrl,
  serverMetadata,
  simulateNetwork,
} from '../../../support/protected-resource.js'

const redirectUri = 'http://127.0.0.1/callback'

/** What a way to sign in is given, while it signs in. */
async function withProvider(
  work: (provider: SignInProvider, request: SignInRequest, time: { nowMs: number }) => Promise<unknown>,
) {
  const network = simulateNetwork()
  const time = { nowMs: 1_800_000_000_000 }
  const events: string[] = []
  const told: PortcullisEvent[] = []
  const onEvent = (event: PortcullisEvent) => {
    told.push(event)
    events.push(event.type)
  }
  network.documents.set(
    discoveryUrl(),
    serverMetadata(issuer, { device_authorization_endpoint: `${issuer}/device`, revocation_endpoint: undefined }),
  )
  const provider = createMcpAuthProvider({
    ...{
      serverUrl: resourceUrl,
      clock: () => time.nowMs,
      onEvent,
    },
    fetch: async (input, init) => {
      const answer = await network.fetch(input, init)
      if (!String(input).endsWith('/device')) return answer
      const device = { device_code: 'device', user_code: 'USER', verification_uri: `${issuer}/go`, interval: 0.001 }
      return Response.json({ ...device, expires_in: 60 })
    },
    signIn: {
      metadata: { redirect_uris: [redirectUri], grant_types: ['authorization_code'] },
      async getTokens(request) {
        await work(request.provider, request, time)
        return request.client.clientCredentials({}).catch(() => Promise.reject(new Error('no tokens')))
      },
    },
  })
  await provider.fetch(resourceUrl).catch((error: Error) => {
    if (error.message !== 'no tokens') throw error
  })
  return { network, events, told, provider }
}

describe('the provider of a server that a resource named', () => {
  it('[RI-02] signs in by a device code for the resource', async () => {
    const { network, events } = await withProvider(async (provider) => {
      const device = await provider.deviceAuthorization()
      const { account, userInfo } = await device.poll()
      expect(device.userCode).toBe('USER')
      expect(account).toEqual({ issuer, subject: 'client-1' })
      expect(userInfo).toBeUndefined()
    })
    expect(network.at(`${issuer}/device`)[0]?.form.get('resource')).toBe(resourceUrl)
    expect(events).toEqual(expect.arrayContaining(['login.started', 'login.completed']))
  })

  it('refuses a transaction that is over, or of another server, and says that the login failed', async () => {
    const { events } = await withProvider(async (provider, _request, time) => {
      const { transaction } = await provider.authorizationRequest({ redirectUri, scopes: ['only'], returnTo: '/x' })
      expect(transaction.scope).toEqual(['only'])
      const { state } = transaction
      const answer = new URLSearchParams({ code: 'code', state })
      const { nonce, codeVerifier } = transaction
      const other = { ...transaction, state, nonce, codeVerifier, issuer: 'https://other.example' }
      await expect(provider.redeem(answer, other)).rejects.toMatchObject({ code: 'ERR_LOGIN_TRANSACTION' })
      time.nowMs += 600_000
      await expect(provider.redeem(answer, transaction)).rejects.toMatchObject({ code: 'ERR_LOGIN_TRANSACTION' })
    })
    expect(events.filter((type) => type === 'login.failed')).toHaveLength(2)
  })

  it('refuses the transaction of another client at the same server', async () => {
    const { network, told } = await withProvider(async (provider) => {
      const { transaction } = await provider.authorizationRequest({ redirectUri })
      const { state, nonce, codeVerifier } = transaction
      const answer = new URLSearchParams({ code: 'code', state })
      const other = { ...transaction, state, nonce, codeVerifier, clientId: 'client-2' }
      await expect(provider.redeem(answer, other)).rejects.toMatchObject({
        ...{ code: 'ERR_LOGIN_TRANSACTION', operation: 'exchangeCode', issuer },
      })
    })
    expect(network.at(`${issuer}/token`).filter(({ form }) => form.get('code') !== null)).toEqual([])
    expect(told.filter(({ type }) => type.startsWith('login.'))).toMatchObject([
      { type: 'login.started', provider: 'resource', issuer },
      { type: 'login.failed', provider: 'resource', issuer, code: 'ERR_LOGIN_TRANSACTION' },
    ])
  })

  it('says that a login failed where the server or its answer is to blame, and not for a call that cannot be right', async () => {
    const { events } = await withProvider(async (provider) => {
      await expect(provider.redeem(new URLSearchParams(), undefined as never)).rejects.toThrow(TypeError)
    })
    expect(events).not.toContain('login.failed')
  })

  it('hands out transactions for ten minutes, and hides what must not be logged', async () => {
    await withProvider(async (provider) => {
      const request = await provider.authorizationRequest({ redirectUri, returnTo: '/x' })
      expect(Object.keys(request)).toEqual(['transaction'])
      expect(request.url.startsWith(`${issuer}/authorize?`)).toBe(true)
      const { transaction } = request
      expect(transaction).toMatchObject({
        ...{ v: 1, provider: 'resource', issuer, clientId: 'client-1', returnTo: '/x', redirectUri },
        ...{ createdAt: 1_800_000_000, expiresAt: 1_800_000_600 },
      })
      const text = JSON.stringify(transaction)
      expect(text).not.toContain(transaction.codeVerifier)
      const device = await provider.deviceAuthorization({ scopes: ['only'] })
      expect([device.deviceCode, Object.keys(device).includes('deviceCode')]).toEqual(['device', false])
      const { account, tokens } = await device.poll()
      expect([Object.isFrozen(account), tokens.accessToken]).toEqual([true, 'as.example-1'])
    })
  })

  it('[C-23] refuses an answer that names another issuer, also where the server does not say that it names itself', async () => {
    await withProvider(async (provider) => {
      const { transaction } = await provider.authorizationRequest({ redirectUri })
      const answer = { code: 'code', state: transaction.state }
      const named = new URLSearchParams({ ...answer, iss: 'https://other.example' })
      await expect(provider.redeem(named, transaction)).rejects.toMatchObject({ code: 'ERR_LOGIN_ISSUER' })
      await expect(provider.redeem(new URLSearchParams(answer), transaction)).resolves.toBeDefined()
      const own = new URLSearchParams({ ...answer, iss: issuer })
      await expect(provider.redeem(own, transaction)).resolves.toBeDefined()
    })
  })

  it('says that a server cannot revoke', async () => {
    const { provider } = await withProvider(async () => undefined)
    await expect(provider.signOut()).resolves.toEqual({ revocation: 'unsupported' })
  })
})
