import { type Challenge, readChallenges, readStepUp } from 'portcullis/client'
import { createDpopClient, type DpopClient } from 'portcullis/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { type GuardedApi, openGuardedApi } from '../support/guarded-api.js'

const mfa = 'urn:example:mfa'
const password = 'urn:example:password'
let api: GuardedApi
let authorizationServer: AuthorizationServer

beforeAll(async () => {
  api = await openGuardedApi()
  authorizationServer = await startAuthorizationServer({
    resources: { [api.origin]: { scopes: ['read', 'pay'], lifetimeSeconds: 3600 } },
    acrValues: [password, mfa],
  })
  api.guard(
    { resource: api.origin, issuer: authorizationServer.issuer },
    {
      '/strong': { acr: mfa },
      '/recent': { maxAgeSeconds: 120 },
      '/pay': { acr: ['urn:example:hardware', mfa], maxAgeSeconds: 120, scope: 'pay' },
      '/anything': {},
    },
  )
})
afterEach(() => {
  vi.useRealTimers()
})
afterAll(() => Promise.all([api.close(), authorizationServer.close()]))

/** A user's client: one browser, maybe a DPoP key. It does what challenges say, and only once. */
function createUser(dpop: DpopClient | undefined) {
  const cookies = new Map<string, string>()
  let token = ''
  const signIn = async (wanted: { scope: string; acrValues?: string; maxAgeSeconds?: number }) => {
    const request = { resource: api.origin, cookies, ...wanted, ...(dpop && { dpop }) }
    token = (await authorizationServer.getUserToken(request)).access_token
  }
  const call = (path: string) => {
    const url = `${api.origin}${path}`
    const headers = dpop?.headers({ url, accessToken: token }) ?? { authorization: `Bearer ${token}` }
    return fetch(url, { headers: { ...headers } })
  }
  const stepUp = async (challenge: Challenge, scope: string) => {
    const asked = readStepUp([challenge])
    await signIn({
      scope: [scope, ...(asked?.scope ?? [])].join(' '),
      ...(asked?.acrValues.length && { acrValues: asked.acrValues.join(' ') }),
      ...(asked?.maxAgeSeconds !== undefined && { maxAgeSeconds: asked.maxAgeSeconds }),
    })
  }
  return { signIn, call, stepUp }
}

async function challengeOf(response: Response): Promise<Challenge> {
  await response.body?.cancel()
  expect(response.status).toBe(401)
  const challenges = readChallenges(response.headers)
  expect(challenges).toHaveLength(1)
  return challenges[0] as Challenge
}

/** Lets time pass for authorization server, API and client alike, without waiting. */
function passTime(seconds: number): void {
  const now = Date.now()
  vi.useFakeTimers({ toFake: ['Date'], now: now + seconds * 1000 })
}

const keysByScheme: readonly (readonly [scheme: string, createKey: () => DpopClient | undefined])[] = [
  ['Bearer', () => undefined],
  ['DPoP', () => createDpopClient()],
]

describe.each(keysByScheme)('a client that sends %s and meets a step-up challenge', (scheme, createKey) => {
  it('[STEP-01] [STEP-02] [STEP-03] [STEP-07] [E-06] signs its user in at the acr asked for, and passes', async () => {
    const user = createUser(createKey())
    await user.signIn({ scope: 'read', acrValues: password })
    expect((await user.call('/anything')).status).toBe(200)
    const challenge = await challengeOf(await user.call('/strong'))
    expect(challenge.scheme).toBe(scheme.toLowerCase())
    expect(challenge.parameters.get('error')).toBe('insufficient_user_authentication')
    expect(challenge.parameters.get('acr_values')).toBe(mfa)
    expect(challenge.parameters.has('max_age')).toBe(false)

    const again = createUser(createKey())
    await again.stepUp(challenge, 'read')
    const response = await again.call('/strong')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ scheme, acr: mfa })
  })

  it('[STEP-02] [STEP-04] [STEP-07] [E-06] has its user authenticate anew for max_age, in the same browser', async () => {
    const user = createUser(createKey())
    await user.signIn({ scope: 'read', acrValues: password, maxAgeSeconds: 120 })
    expect((await user.call('/recent')).status).toBe(200)
    passTime(240)
    const challenge = await challengeOf(await user.call('/recent'))
    expect(challenge.scheme).toBe(scheme.toLowerCase())
    expect(challenge.parameters.get('max_age')).toBe('120')
    expect(challenge.parameters.has('acr_values')).toBe(false)

    await user.signIn({ scope: 'read', acrValues: password })
    await challengeOf(await user.call('/recent'))
    await user.stepUp(challenge, 'read')
    expect((await user.call('/recent')).status).toBe(200)
  })

  it('[C-27] [STEP-02] settles acr, age and scope in one round trip', async () => {
    const user = createUser(createKey())
    await user.signIn({ scope: 'read', acrValues: password })
    passTime(240)
    const challenge = await challengeOf(await user.call('/pay'))
    expect(Object.fromEntries(challenge.parameters)).toMatchObject({
      error: 'insufficient_user_authentication',
      acr_values: `urn:example:hardware ${mfa}`,
      max_age: '120',
      scope: 'pay',
    })
    const attainable = new Map(challenge.parameters).set('acr_values', mfa)
    await user.stepUp({ ...challenge, parameters: attainable }, 'read')
    expect((await user.call('/pay')).status).toBe(200)
  })
})

describe('a step-up challenge', () => {
  it('[STEP-08] asks for nothing the authorization server does not list', async () => {
    const metadata = (await (
      await fetch(`${authorizationServer.issuer}/.well-known/oauth-authorization-server`)
    ).json()) as Record<string, unknown>
    const user = createUser(undefined)
    await user.signIn({ scope: 'read' })
    const { parameters } = await challengeOf(await user.call('/strong'))
    expect(metadata['acr_values_supported']).toContain(parameters.get('acr_values'))
  })

  it('[STEP-06] is not for tokens that are no good otherwise', async () => {
    const response = await fetch(`${api.origin}/strong`, { headers: { authorization: 'Bearer stolen' } })
    expect(response.headers.get('www-authenticate')).not.toContain('acr_values')
    expect(response.headers.get('www-authenticate')).toContain('invalid_token')
  })
})
