import { createResourceServer, type PortcullisEvent, type ResourceServer, type ResourceServerOptions } from 'portcullis'
import { portcullis } from 'portcullis/fetch'
import { createFrozenClock, createTestIssuer, type FrozenClock, type TestIssuer } from 'portcullis/testing'
import { expect, onTestFinished } from 'vitest'
import { serveFetch } from '../support/serve-fetch.js'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js'

/** What a user sees of a request. */
export interface Seen {
  readonly status: number
  readonly challenge: string | null
  readonly retryAfter: string | null
  readonly error: string | undefined
  readonly tookMs: number
}

/** An API that guards `/` over real HTTP, with a proxy between it and its authorization server. */
export interface FaultyApi {
  readonly issuer: TestIssuer
  readonly proxy: TcpProxy
  readonly server: ResourceServer
  readonly clock: FrozenClock
  readonly events: readonly PortcullisEvent[]
  readonly origin: string
  /** Sends a request. Default: with a good token of the issuer. */
  get(token?: string): Promise<Seen>
  /** The reasons of events of one type. */
  reasons(type: PortcullisEvent['type']): readonly unknown[]
}

export const fetchLimitMs = 250

/** Starts issuer, proxy and API; all of them end with the test. `via` gives the settings of the issuer. */
export async function faultyApi(
  via: (proxyOrigin: string, issuer: TestIssuer) => Partial<ResourceServerOptions> = keysVia,
): Promise<FaultyApi> {
  const clock = createFrozenClock()
  clock.advance(Date.now() - clock.now())
  const issuer = createTestIssuer({ clock: clock.now, lifetimeSeconds: 7200 })
  await issuer.listen()
  const proxy = await startTcpProxy(Number(new URL(issuer.issuer).port))
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource: 'https://api.example.com',
    issuer: issuer.issuer,
    allowInsecureLoopback: true,
    clock: clock.now,
    onEvent: (event) => void events.push(event),
    ...via(`http://127.0.0.1:${proxy.port}`, issuer),
  } as ResourceServerOptions)
  const gate = portcullis(server)
  const api = await serveFetch(gate.withAuth({}, (_request, auth) => Response.json({ subject: auth.subject })))
  onTestFinished(async () => {
    await api.close()
    await proxy.close()
    await issuer.close()
  })
  return {
    ...{ issuer, proxy, server, clock, events, origin: api.origin },
    get: (token = issuer.mintToken()) => see(api.origin, { authorization: `Bearer ${token}` }),
    reasons: (type) => events.flatMap((event) => (event.type === type && 'reason' in event ? [event.reason] : [])),
  }
}

/** Keys from behind the proxy. */
function keysVia(proxyOrigin: string, issuer: TestIssuer): Partial<ResourceServerOptions> {
  const jwksUri = `${proxyOrigin}${new URL(jwksUriOf(issuer)).pathname}`
  return { issuer: { issuer: issuer.issuer, jwksUri, keyCache: { timeoutMs: fetchLimitMs } } }
}

function jwksUriOf(issuer: TestIssuer): string {
  return `${issuer.issuer}/jwks`
}

/** Sends a request and tells what a user sees of the answer. */
export async function see(url: string, headers: Record<string, string>): Promise<Seen> {
  const startedMs = performance.now()
  const response = await fetch(url, { headers })
  const text = await response.text()
  const tookMs = performance.now() - startedMs
  const body = text === '' ? undefined : (JSON.parse(text) as { readonly error?: string })
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    retryAfter: response.headers.get('retry-after'),
    error: body?.error,
    tookMs,
  }
}

/** What users must see where the infrastructure failed: come again, in time, and nothing that blames their token. */
export function expectComeAgain(seen: Seen, withinMs = fetchLimitMs + 1000): void {
  expect(seen).toMatchObject({ status: 503, challenge: null, error: 'temporarily_unavailable' })
  expect(seen.retryAfter).toMatch(/^[1-9]\d*$/)
  expect(seen.tookMs).toBeLessThan(withinMs)
}
