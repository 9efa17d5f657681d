import {
  clientSecretBasic,
  createOAuthClient,
  type OAuthClient,
  type OAuthClientOptions,
  type PortcullisEvent,
} from 'portcullis/client'
import { type FakeAuthorizationServer, fakeAuthorizationServer } from './fake-token-endpoint.js'

/** A client, the fake it talks to, the clock it reads and the events it told. */
export interface ClientSetUp {
  readonly server: FakeAuthorizationServer
  readonly client: OAuthClient
  readonly events: PortcullisEvent[]
  readonly time: { nowMs: number }
}

/** Tries once unless told otherwise; the clock stands still. */
export function setUpClient(options: Partial<OAuthClientOptions> = {}): ClientSetUp {
  const server = fakeAuthorizationServer(typeof options.issuer === 'string' ? options.issuer : undefined)
  const events: PortcullisEvent[] = []
  const time = { nowMs: 1_800_000_000_000 }
  const client = createOAuthClient({
    issuer: server.issuer,
    credential: clientSecretBasic({ clientId: 'app', clientSecret: 's3cret-of-the-app' }),
    fetch: server.fetch,
    clock: () => time.nowMs,
    retry: false,
    onEvent: (event) => void events.push(event),
    ...options,
  })
  return { server, client, events, time }
}

/** Pauses too short to wait for. */
export const quickRetry = { maxRetries: 3, initialDelayMs: 1, maxDelayMs: 2 }

/** What `promise` rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('The promise was expected to reject')
}
