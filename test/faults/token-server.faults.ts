import { clientSecretBasic, createOAuthClient, publicClient, tokenSetFromResponse } from 'portcullis/client'
import { createMemoryTokenStore, createUserTokens, type TokenProvider } from 'portcullis/login'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startTokenServer } from '../soak/token-server.js'
import { expectComeAgain, faultyApi, fetchLimitMs } from './api.js'
import { type Fault, startTcpProxy } from './tcp-proxy.js'

/** More than {@link fetchLimitMs}: a refresh is some more work, and must come through on a busy machine. */
const refreshLimitMs = 1500

const faults: readonly (readonly [name: string, fault: Fault])[] = [
  ['accepts connections and never answers', { kind: 'half-open' }],
  ['resets connections', { kind: 'reset' }],
  ['is cut off in the middle of its answer', { kind: 'cut', afterBytes: 60 }],
  ['sends its bytes in the wrong order', { kind: 'reordered' }],
]

/** Opaque tokens are asked about through the proxy. */
function introspectingApi() {
  return faultyApi((origin, { issuer }) => ({
    issuer: {
      issuer,
      introspection: {
        endpoint: `${origin}/introspect`,
        credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }),
        timeoutMs: fetchLimitMs,
      },
    },
  }))
}

describe('an introspection endpoint', () => {
  it.each(faults)('that %s means 503 with Retry-After, and users whose answer is remembered pass', async (_, fault) => {
    const { issuer, proxy, get, reasons } = await introspectingApi()
    const known = issuer.mintOpaqueToken()
    expect((await get(known)).status).toBe(200)
    proxy.fault = fault
    expectComeAgain(await get(issuer.mintOpaqueToken()))
    expect(reasons('introspection.failed')).toHaveLength(1)
    expect((await get(known)).status).toBe(200)
  })

  it('that stays away is left alone after five failures: 503 at once, and 200 once it is back', async () => {
    const { issuer, proxy, get, clock } = await introspectingApi()
    const token = issuer.mintOpaqueToken()
    proxy.fault = { kind: 'reset' }
    for (let times = 0; times < 5; times += 1) expectComeAgain(await get(token))
    const { connections } = proxy
    const left = await get(token)
    expectComeAgain(left, 100)
    expect([Number(left.retryAfter) <= 10, proxy.connections]).toEqual([true, connections])
    proxy.fault = { kind: 'none' }
    clock.advance(10_000)
    expect((await get(token)).status).toBe(200)
  })
})

/** The tokens of a user, renewed through a proxy. */
async function userBehindProxy() {
  const server = await startTokenServer()
  const proxy = await startTcpProxy(Number(new URL(server.origin).port))
  onTestFinished(async () => {
    await proxy.close()
    await server.close()
  })
  let aheadMs = 0
  const clock = () => Date.now() + aheadMs
  const client = createOAuthClient({
    issuer: `http://127.0.0.1:${proxy.port}`,
    credential: publicClient({ clientId: 'app' }),
    discovery: false,
    endpoints: { token: '/token' },
    allowInsecureLoopback: true,
    timeoutMs: refreshLimitMs,
    retry: false,
    breaker: false,
    clock,
  })
  const provider: TokenProvider = {
    name: 'corporate',
    issuer: client.issuer,
    refresh: ({ refreshToken = '' }, call) => client.refresh({ refreshToken }, call),
    revoke: async () => 'unsupported',
  }
  const tokens = createUserTokens({
    provider,
    store: createMemoryTokenStore(),
    key: 'user',
    clock,
    refreshTimeoutMs: refreshLimitMs,
  })
  await tokens.set(tokenSetFromResponse(server.signIn('session', 'alice'), { clock }))
  // The first call loads modules, which takes longer than the limit where the machine is busy.
  await client.refresh({ refreshToken: 'unknown' }, { timeoutMs: 10_000 }).catch(() => undefined)
  return {
    ...{ proxy, tokens, session: server.sessions.get('session') },
    passTime: (ms: number) => {
      aheadMs += ms
    },
  }
}

describe('a token endpoint', () => {
  it('that is away is not noticed by a user whose token is good, ends no session, and renews once it is back', async () => {
    const { proxy, tokens, session, passTime } = await userBehindProxy()
    const { accessToken } = await tokens.getToken()
    proxy.fault = { kind: 'half-open' }
    passTime(3_590_000)
    expect((await tokens.getToken()).accessToken).toBe(accessToken)
    passTime(20_000)
    const startedMs = performance.now()
    await expect(tokens.getToken()).rejects.toMatchObject({ retryable: true })
    expect(performance.now() - startedMs).toBeLessThan(refreshLimitMs + 1000)
    // The request goes on for as long as its connection seems to stand.
    await expect(tokens.getToken()).rejects.toMatchObject({ code: 'ERR_TIMEOUT', retryable: true })
    proxy.fault = { kind: 'none' }
    proxy.breakAll()
    const again = () => {
      passTime(31_000)
      return tokens.getToken().catch(() => undefined)
    }
    await expect.poll(async () => (await again())?.accessToken, { timeout: 5000 }).toMatch(/^alice:/)
    expect(session).toMatchObject({ redemptions: 1, reuses: 0 })
  })

  it('that answers after the callers have gone ends no session: the next caller has the token, redeemed once', async () => {
    const { proxy, tokens, session, passTime } = await userBehindProxy()
    proxy.fault = { kind: 'slow', delayMs: refreshLimitMs * 2 }
    passTime(3_610_000)
    await expect(tokens.getToken()).rejects.toMatchObject({ code: 'ERR_TIMEOUT', retryable: true })
    const again = () => tokens.getToken().catch(() => undefined)
    await expect.poll(async () => (await again())?.accessToken, { timeout: 10_000 }).toMatch(/^alice:/)
    expect(session).toMatchObject({ redemptions: 1, reuses: 0 })
  })

  it('whose answer is cut off has spent the token: it is left alone for half a minute, then the user signs in again', async () => {
    const { proxy, tokens, session, passTime } = await userBehindProxy()
    proxy.fault = { kind: 'cut', afterBytes: 60 }
    passTime(3_610_000)
    await expect(tokens.getToken()).rejects.toMatchObject({ retryable: true })
    proxy.fault = { kind: 'none' }
    await expect(tokens.getToken()).rejects.toMatchObject({ code: 'ERR_NETWORK', retryable: true })
    expect(session).toMatchObject({ redemptions: 1, reuses: 0 })
    passTime(31_000)
    await expect(tokens.getToken()).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
    expect(session).toMatchObject({ redemptions: 1, reuses: 1 })
  })
})
