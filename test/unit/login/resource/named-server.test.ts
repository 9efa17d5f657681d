import { createMcpAuthProvider, type SignInProvider, type SignInRequest } from 'portcullis/login'
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
  network.documents.set(
    discoveryUrl(),
    serverMetadata(issuer, { device_authorization_endpoint: `${issuer}/device`, revocation_endpoint: undefined }),
  )
  const provider = createMcpAuthProvider({
    ...{ serverUrl: resourceUrl, clock: () => time.nowMs, onEvent: ({ type }) => void events.push(type) },
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
  return { network, events, provider }
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

  it('[C-23] refuses an answer that names another issuer, also where the server does not say that it names itself', async () => {
    await withProvider(async (provider) => {
      const { transaction } = await provider.authorizationRequest({ redirectUri })
      const answer = { code: 'code', state: transaction.state }
      const named = new URLSearchParams({ ...answer, iss: 'https://other.example' })
      await expect(provider.redeem(named, transaction)).rejects.toMatchObject({ code: 'ERR_LOGIN_ISSUER' })
      await expect(provider.redeem(new URLSearchParams(answer), transaction)).resolves.toBeDefined()
    })
  })

  it('says that a server cannot revoke', async () => {
    const { provider } = await withProvider(async () => undefined)
    await expect(provider.signOut()).resolves.toEqual({ revocation: 'unsupported' })
  })
})
