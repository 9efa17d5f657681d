import { Redis } from 'ioredis'
import type { DpopOptions, PortcullisEvent } from 'portcullis'
import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { createRedisReplayStore } from 'portcullis/redis'
import { createDpopClient, type DpopClient } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { type GuardedApi, openGuardedApi } from '../support/guarded-api.js'
import { hasRedis, type RedisServer, startRedis } from '../support/redis.js'

const apis: GuardedApi[] = []
let plain: GuardedApi
let nonced: GuardedApi
let authorizationServer: AuthorizationServer

async function openApi(): Promise<GuardedApi> {
  const api = await openGuardedApi()
  apis.push(api)
  return api
}

beforeAll(async () => {
  plain = await openApi()
  nonced = await openApi()
  authorizationServer = await startAuthorizationServer({
    resources: { [plain.origin]: { scopes: ['read'] }, [nonced.origin]: { scopes: ['read'] } },
  })
  const { issuer } = authorizationServer
  const nonce = { secrets: ['0123456789abcdef0123456789abcdef'], onSuccess: true }
  plain.guard({ resource: plain.origin, issuer }, { '/me': { scope: 'read' } })
  nonced.guard({ resource: nonced.origin, issuer, dpop: { mode: 'required', nonce } }, { '/me': {} })
})
afterAll(async () => {
  await Promise.all(apis.map((api) => api.close()))
  await authorizationServer.close()
})

async function boundToken(api: GuardedApi, client: DpopClient): Promise<string> {
  const answer = await authorizationServer.getUserToken({ resource: api.origin, scope: 'read', dpop: client })
  expect(answer.token_type).toBe('DPoP')
  return answer.access_token
}

/** A client that keeps the newest nonce, and retries once where the server asks for one (RFC 9449 §9). */
function createCaller(client: DpopClient, accessToken: string) {
  const log: number[] = []
  let nonce: string | undefined
  async function send(url: string): Promise<Response> {
    const response = await fetch(url, { headers: { ...client.headers({ url, accessToken, nonce }) } })
    log.push(response.status)
    nonce = response.headers.get('dpop-nonce') ?? nonce
    return response
  }
  return {
    log,
    async call(url: string): Promise<Response> {
      const response = await send(url)
      const challenge = response.headers.get('www-authenticate') ?? ''
      return response.status === 401 && challenge.includes('use_dpop_nonce') ? send(url) : response
    },
  }
}

describe('a token that oidc-provider bound to a key', () => {
  it('[DPOP-11] [DPOP-12] opens the door with a proof of that key', async () => {
    const client = createDpopClient()
    const accessToken = await boundToken(plain, client)
    const url = `${plain.origin}/me`
    const response = await fetch(url, { headers: { ...client.headers({ url, accessToken }) } })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ subject: 'user-1', scheme: 'DPoP', jkt: client.jkt })
  })

  it('[DPOP-13] [E-07] opens none as Bearer', async () => {
    const accessToken = await boundToken(plain, createDpopClient())
    const response = await fetch(`${plain.origin}/me`, { headers: { authorization: `Bearer ${accessToken}` } })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token",.*, DPoP algs="/)
  })

  it('[DPOP-15] [E-08] opens it once per proof', async () => {
    const client = createDpopClient()
    const accessToken = await boundToken(plain, client)
    const url = `${plain.origin}/me`
    const headers = { ...client.headers({ url, accessToken }) }
    expect((await fetch(url, { headers })).status).toBe(200)
    const replayed = await fetch(url, { headers })
    expect(replayed.status).toBe(401)
    expect(replayed.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_dpop_proof"/)
  })

  it('[DPOP-11] [E-10] opens none for a thief with a key of their own', async () => {
    const accessToken = await boundToken(plain, createDpopClient())
    const url = `${plain.origin}/me`
    const response = await fetch(url, { headers: { ...createDpopClient().headers({ url, accessToken }) } })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/, DPoP error="invalid_token"/)
  })

  it('[DPOP-17] [DPOP-18] [DPOP-20] [E-09] takes one round trip more where nonces are on, and that once', async () => {
    const client = createDpopClient()
    const caller = createCaller(client, await boundToken(nonced, client))
    for (let request = 0; request < 3; request += 1) {
      expect((await caller.call(`${nonced.origin}/me`)).status).toBe(200)
    }
    expect(caller.log).toEqual([401, 200, 200, 200])
  })

  it('[DPOP-26] is the only kind where bound tokens are required, as the metadata says', async () => {
    const unbound = await authorizationServer.getUserToken({ resource: nonced.origin, scope: 'read' })
    const headers = { authorization: `Bearer ${unbound.access_token}` }
    const response = await fetch(`${nonced.origin}/me`, { headers })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token"/)
    const document = await (await fetch(`${nonced.origin}/.well-known/oauth-protected-resource`)).json()
    expect(document).toMatchObject({ dpop_bound_access_tokens_required: true })
  })

  it('[DPOP-11] comes to the client of this library, with proofs for its requests', async () => {
    await using client = createOAuthClient({
      issuer: authorizationServer.issuer,
      credential: clientSecretBasic(authorizationServer.clients.gateway),
      dpop: true,
      allowInsecureLoopback: true,
    })
    const { accessToken } = await client.clientCredentials({ resource: plain.origin, scope: 'read' })
    const url = `${plain.origin}/me?page=2`
    const proof = await client.dpop?.proof({ method: 'GET', url, accessToken })
    const headers = { authorization: `DPoP ${accessToken}`, dpop: String(proof) }
    const response = await fetch(url, { headers })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ scheme: 'DPoP', jkt: await client.dpop?.thumbprint() })
  })
})

describe.skipIf(!hasRedis('test/integration/dpop.test.ts'))('two instances behind one address', () => {
  const resource = 'https://api.example.com'
  const connections: Redis[] = []
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(async () => {
    for (const connection of connections) connection.disconnect()
    await redis.stop()
  })

  async function startInstance(issuer: string, shared: boolean, events: PortcullisEvent[]): Promise<GuardedApi> {
    const api = await openApi()
    const client = new Redis({ host: '127.0.0.1', port: redis.port })
    connections.push(client)
    const dpop: DpopOptions = shared ? { replayStore: createRedisReplayStore({ client, timeoutMs: 20_000 }) } : {}
    api.guard({ resource, issuer, dpop, onEvent: (event) => void events.push(event) }, { '/me': {} })
    return api
  }

  async function replay(shared: boolean) {
    await using server = await startAuthorizationServer({ resources: { [resource]: { scopes: ['read'] } } })
    const events: PortcullisEvent[] = []
    const first = await startInstance(server.issuer, shared, events)
    const second = await startInstance(server.issuer, shared, events)
    const client = createDpopClient()
    const { access_token: accessToken } = await server.getUserToken({ resource, scope: 'read', dpop: client })
    const headers = { ...client.headers({ url: `${resource}/me`, accessToken }) }
    const statuses = [
      (await fetch(`${first.origin}/me`, { headers })).status,
      (await fetch(`${second.origin}/me`, { headers })).status,
      (await fetch(`${first.origin}/me`, { headers })).status,
    ]
    return { statuses, replays: events.filter(({ type }) => type === 'dpop.replayed').length }
  }

  it('[DPOP-15] [C-10] refuse a proof that was used at the other one, sharing a store in Redis', async () => {
    expect(await replay(true)).toEqual({ statuses: [200, 401, 401], replays: 2 })
  })

  it('[DPOP-15] cannot know of each other without a shared store', async () => {
    expect(await replay(false)).toEqual({ statuses: [200, 200, 401], replays: 1 })
  })
})
