/**
 * Traffic in ordinary and in bad minutes, so that everything the telemetry knows is seen: two instances of an Express API
 * with two authorization servers, callers of every kind, and troubles that come one after the other.
 */
import { setTimeout as delay } from 'node:timers/promises'
import express from 'express'
import {
  createGrants,
  createMemoryGrantStore,
  createMemoryLockStore,
  createMemoryReplayStore,
  createResourceServer,
  type EventListener,
} from 'portcullis'
import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { createDpopClient, createTestIssuer, type TestIssuer } from 'portcullis/testing'
import { listenOnLoopback } from '../../support/loopback-server.js'
import { setUpUserTokens } from '../../support/user-tokens-set-up.js'
import { setUpWebLogin } from '../../support/web-login-set-up.js'

const resource = 'https://api.example.com'
const calendar = 'https://calendar.example.com'
const tickMs = 200

/** When each trouble begins and ends, as shares of the whole time. */
const troubles = {
  introspection: [0.1, 0.2],
  replayStore: [0.25, 0.35],
  partnerKeys: [0.35, 0.8],
  tokenEndpoint: [0.85, 0.93],
} as const

/** The API, its authorization servers and their state. */
type World = Awaited<ReturnType<typeof openWorld>>

/** Sends requests for `seconds`, to an API all of whose parts have `onEvent`. */
export async function runTraffic(seconds: number, onEvent: EventListener): Promise<void> {
  const world = await openWorld(onEvent)
  const startedMs = performance.now()
  for (let tick = 0; ; tick++) {
    const share = (performance.now() - startedMs) / 1000 / seconds
    if (share >= 1) break
    world.trouble(share)
    await Promise.all([...requestsOf(world, tick, share), users(world, tick), delay(tickMs)])
  }
  await world.close()
}

async function openWorld(onEvent: EventListener) {
  const login = createTestIssuer({ issuer: 'https://login.example.com', lifetimeSeconds: 60 })
  const partner = createTestIssuer({ issuer: 'https://id.partner.example', lifetimeSeconds: 60 })
  const issuers: Readonly<Record<string, TestIssuer>> = { 'login.example.com': login, 'id.partner.example': partner }
  const fetch: TestIssuer['fetch'] = async (url, init) => {
    await delay(4 + 12 * Math.random())
    return (issuers[new URL(url).host] as TestIssuer).fetch(url, init)
  }
  const replays = createMemoryReplayStore()
  let replayStoreFails = false
  const replayStore: typeof replays = {
    ...replays,
    reserve: (...entry) => (replayStoreFails ? Promise.reject(new Error('down')) : replays.reserve(...entry)),
  }
  const credential = clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' })
  const shared = { store: createMemoryGrantStore(), lock: createMemoryLockStore() }

  /** A process of the fleet. */
  async function startInstance() {
    const server = createResourceServer({
      resource,
      issuer: [
        { issuer: login.issuer, introspection: { credential, cacheSeconds: 1 } },
        { issuer: partner.issuer, keyCache: { staleIfErrorSeconds: 20 } },
      ],
      dpop: { replayStore },
      ...{ fetch, onEvent },
    })
    const client = createOAuthClient({ issuer: login.issuer, credential, ...{ fetch, onEvent } })
    const { requireToken, optionalToken, grant } = portcullis(server, {
      grants: createGrants({ client, refusalSeconds: 1, ...shared, onEvent }),
    })
    const app = express()
    const answer: express.RequestHandler = (_req, res) => void res.json({ ok: true })
    app.get('/orders', requireToken(), answer)
    app.get('/reports', requireToken({ scope: 'reports:write' }), answer)
    app.get('/hello', optionalToken(), answer)
    app.get('/agenda', requireToken(), grant(calendar), answer)
    app.use(((_error, _req, res, _next) => void res.status(500).end()) satisfies express.ErrorRequestHandler)
    return { ...(await listenOnLoopback(app)), service: () => client.clientCredentials({ scope: 'read' }) }
  }

  const instances = [await startInstance(), await startInstance()] as const
  const web = setUpWebLogin({ onEvent }, undefined, { onEvent })
  const session = setUpUserTokens({ lifeSeconds: 2 })
  const tokens = session.open({ onEvent })
  await tokens.set(session.server.signIn())

  return {
    ...{ login, partner, instances, web, session, tokens },
    replayed: createDpopClient(),
    known: login.mintToken(),
    /** Begins and ends the troubles of this time. */
    trouble(share: number) {
      const within = ([from, to]: readonly [number, number]) => share >= from && share < to
      const down = { kind: 'status', status: 503 } as const
      // Keys are good for a minute, and the clock of the server is two seconds ahead.
      const date = new Date(Date.now() + 2000).toUTCString()
      const keys = { kind: 'answer', headers: { 'cache-control': 'max-age=60', date } } as const
      login.override('jwks', keys)
      partner.override('jwks', within(troubles.partnerKeys) ? down : keys)
      for (const name of ['introspection', 'tokenEndpoint'] as const) {
        const endpoint = name === 'tokenEndpoint' ? 'token' : name
        if (within(troubles[name])) login.override(endpoint, down)
        else login.restore(endpoint)
      }
      replayStoreFails = within(troubles.replayStore)
    },
    close: () => Promise.all([...instances, tokens].map((one) => one.close())),
  }
}

/** The requests of one moment: their number goes up and down, and most of them come with a token seen before. */
function requestsOf(world: World, tick: number, share: number): readonly Promise<unknown>[] {
  const { login, partner, instances } = world
  const [origin, other] = instances.map((instance) => instance.origin) as [string, string]
  if (tick % 150 === 0) world.known = login.mintToken()
  const get = (path: string, token?: string, at = origin, headers: Record<string, string> = {}) =>
    fetch(at + path, { headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers } })
      .then((answer) => answer.arrayBuffer())
      .catch(() => undefined) // a connection that was kept too long
  const many = Math.round(5 + 3 * Math.sin(share * 12))
  const every = (ticks: number, ...requests: (() => Promise<unknown>)[]) =>
    tick % ticks === 0 ? requests.map((request) => request()) : []
  const exchanged = login.mintToken()
  return [
    ...Array.from({ length: many }, (_, index) => get('/orders', world.known, index % 2 === 0 ? origin : other)),
    get('/orders', login.mintToken()),
    get('/orders', partner.mintToken()),
    get('/orders', partner.mintToken(), other),
    get('/agenda', world.known),
    ...every(
      2,
      () => get('/hello'),
      () => get('/orders', login.mintOpaqueToken()),
    ),
    ...every(
      3,
      () => get('/orders'),
      () => get('/reports', world.known),
    ),
    ...every(4, () => get('/orders', login.mintToken({}, { lifetimeSeconds: -60 }))),
    ...every(
      5,
      () => get('/agenda', exchanged),
      () => get('/agenda', exchanged, other),
    ),
    ...every(
      6,
      () => get('/orders', login.mintToken({ aud: calendar })),
      () => bound(world, tick, get),
    ),
    ...every(8, () => get('/orders', login.mintToken({}, { tamper: 'signature' }))),
    ...every(10, () => get('/orders', login.mintToken({}, { header: { kid: `invented-${tick}` } }))),
    ...every(10, () => (instances[0] as World['instances'][0]).service().catch(() => undefined)),
  ]
}

/** A bound token with its proof; every third proof comes twice. */
async function bound(
  { login, replayed, instances: [{ origin }] }: World,
  tick: number,
  get: (path: string, token?: string, at?: string, headers?: Record<string, string>) => Promise<unknown>,
): Promise<void> {
  const accessToken = login.mintToken({ cnf: { jkt: replayed.jkt } })
  const headers = replayed.headers({ url: `${resource}/orders`, accessToken })
  await get('/orders', undefined, origin, headers)
  if (tick % 18 === 0) await get('/orders', undefined, origin, headers)
}

/** Users who sign in, some of them in vain, and one whose tokens are renewed. */
async function users({ web, session, tokens }: World, tick: number): Promise<void> {
  await tokens.getToken().catch(() => undefined)
  if (tick % 50 === 0) session.server.next('unreached')
  if (tick % 10 !== 0) return
  web.cookies.clear()
  if (tick % 40 === 0) await web.send((await web.begin()).replace(/code=[^&]*/, 'error=access_denied'))
  else await web.signIn()
}
