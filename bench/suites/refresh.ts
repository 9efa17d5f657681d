import {
  createTokenEndpoint,
  issuer,
  openidClient,
  portcullisClient,
  type TokenEndpoint,
} from '../contenders/token-clients.js'
import { type Contender, compare, named, speedRatio } from '../measure/compare.js'
import { createMemoryLockStore, peer } from '../package-under-test.js'
import type { Suite } from './suite.js'

const { createMemoryTokenStore, createUserTokens } =
  await peer<typeof import('../../src/login/index.js')>('portcullis/login')

const callers = 64
const key = 'https://login.example.com user-1'
const lifeSeconds = 3600

const own = 'portcullis, one object'
const ownEach = 'portcullis, an object for each caller'
const bare = 'bare round trips: store, lock, openid-client'
const each = 'openid-client, each caller for itself'

/**
 * Many callers want the token of one user at the moment when it has expired. Store, lock and token endpoint are in memory,
 * so that what is measured is the work of this process.
 */
export const refresh: Suite = async ({ pace }) => {
  const contenders = [await sharedObject(), await objectEach(), await byHand(), await withoutSharing()]
  const measured = await compare(contenders, pace)
  const rows = contenders.map(({ name, endpoint }) => {
    const { spread } = named(measured, name)
    const cells = [
      (spread.median / callers).toFixed(2),
      `${endpoint.perStorm()}`,
      speedRatio(measured, name, bare).median.toFixed(2),
    ]
    return { name, figure: spread, cells }
  })
  return {
    tables: [
      {
        id: 'refresh',
        title: `${callers} callers of one user whose token has expired`,
        unit: 'µs',
        columns: ['µs a caller', 'requests to the server', 'speed, bare round trips = 1'],
        rows,
        chart: true,
        notes: [
          'The bare round trips are what one would write by hand: callers share a promise, which takes the lock, reads the store, asks the server, writes the store and gives the lock back. Portcullis also writes down that a refresh token is sent before it is, so that one whose answer was lost is not taken for a good one.',
          'Where each caller sends the refresh token for itself, a server that rotates them ends the session (RFC 9700 §4.14.2).',
        ],
      },
    ],
    verdicts: [
      {
        target: `${callers} callers of one expired token, to openid-client for each of them`,
        figure: speedRatio(measured, own, each).median,
        unit: '×',
        atLeast: 1,
      },
    ],
  }
}

interface Storm extends Contender {
  readonly endpoint: { perStorm(): number }
}

const answer = (n: number) => ({
  access_token: `access-${n}`,
  refresh_token: `refresh-${n}`,
  token_type: 'Bearer',
  expires_in: lifeSeconds,
})

/** One run is one storm; the token has expired again before each. */
function storm(
  name: string,
  endpoint: TokenEndpoint,
  next: () => void,
  ask: (caller: number) => Promise<unknown>,
): Storm {
  let storms = 0
  let requests = 0
  return {
    name,
    isAsync: true,
    async run() {
      next()
      endpoint.takeRequests()
      await Promise.all(Array.from({ length: callers }, (_, caller) => ask(caller)))
      storms += 1
      requests += endpoint.takeRequests()
    },
    endpoint: { perStorm: () => requests / storms },
  }
}

/** A store and a lock as processes share them, with tokens in it, and a clock that can be put forward. */
async function setUp() {
  const endpoint = createTokenEndpoint(answer)
  let aheadMs = 0
  const clock = () => Date.now() + aheadMs
  const client = portcullisClient(endpoint, clock)
  const memory = createMemoryTokenStore({ clock })
  const store = { ...memory, describe: () => ({ ...memory.describe(), persistent: true }) }
  const lock = createMemoryLockStore({ clock })
  const provider = {
    name: 'bench',
    issuer,
    refresh: ({ refreshToken = '' }) => client.refresh({ refreshToken }),
    revoke: async () => 'unsupported' as const,
  }
  const settings = { provider, store, lock, key, clock }
  await createUserTokens(settings).set(await client.refresh({ refreshToken: 'refresh-0' }))
  const next = () => {
    aheadMs += (lifeSeconds + 60) * 1000
  }
  return { endpoint, settings, next }
}

async function sharedObject(): Promise<Storm> {
  const { endpoint, settings, next } = await setUp()
  const tokens = createUserTokens(settings)
  return storm(own, endpoint, next, () => tokens.getToken())
}

async function objectEach(): Promise<Storm> {
  const { endpoint, settings, next } = await setUp()
  return storm(ownEach, endpoint, next, () => createUserTokens(settings).getToken())
}

async function byHand(): Promise<Storm> {
  const { endpoint, settings, next } = await setUp()
  const { store, lock } = settings
  const client = await openidClient(endpoint)
  let flight: Promise<unknown> | undefined

  async function renew(): Promise<unknown> {
    const lease = await lock.acquire(key, 10_000)
    const kept = await store.get(key)
    if (lease === undefined || kept === undefined) throw new Error('taken')
    const before = JSON.parse(kept.tokens) as Record<string, unknown>
    const tokens = await client.refresh(String(before['refreshToken']))
    const after = { ...before, accessToken: tokens.access_token, refreshToken: tokens.refresh_token }
    const entry = { ...kept, version: crypto.randomUUID(), tokens: JSON.stringify(after) }
    if (!(await store.replace(key, kept.version, entry))) throw new Error('replaced')
    await lease.release()
    flight = undefined
    return tokens
  }
  return storm(bare, endpoint, next, () => {
    flight ??= renew()
    return flight
  })
}

async function withoutSharing(): Promise<Storm> {
  const endpoint = createTokenEndpoint(answer)
  const client = await openidClient(endpoint)
  let turn = 0
  return storm(
    each,
    endpoint,
    () => turn++,
    () => client.refresh(`refresh-${turn}`),
  )
}
