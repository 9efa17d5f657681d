import { createResourceServer } from 'portcullis'
import {
  clientSecretBasic,
  createOAuthClient,
  createPkcePair,
  gcpIdentity,
  type OAuthClient,
  restoreRegistration,
} from 'portcullis/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Fetch } from '../../src/kit/fetch/platform-fetch.js'
import { accessOf, calendar, caller, setUpGrants } from '../support/grants-set-up.js'

const issuer = 'https://as.example'
const credential = clientSecretBasic({ clientId: 'app', clientSecret: 's3cret' })

/** One way out of the process: what asks, over a given fetch, an address that a document at `issuer` puts on `host`. */
interface WayOut {
  readonly name: string
  /** Whether the address comes from a document; else the configuration names it, and it is trusted. */
  readonly isDiscovered: boolean
  ask(fetch: Fetch, host: string): Promise<unknown>
}

function clientWay(name: string, isDiscovered: boolean, call: (client: OAuthClient, host: string) => Promise<unknown>) {
  const ask = (fetch: Fetch, host: string) =>
    call(createOAuthClient({ issuer, credential, fetch, retry: false, breaker: false }), host)
  return { name, isDiscovered, ask }
}

const registered = (host: string) =>
  restoreRegistration({
    issuer,
    raw: { client_id: 'a', registration_client_uri: `https://${host}/target`, registration_access_token: 't' },
  })

const waysOut: readonly WayOut[] = [
  {
    name: 'discovery of the resource server',
    isDiscovered: false,
    ask: (fetch) => createResourceServer({ resource: 'https://api.example', issuer, fetch }).warmUp(),
  },
  {
    name: 'the key set',
    isDiscovered: true,
    ask: (fetch) => createResourceServer({ resource: 'https://api.example', issuer, fetch }).warmUp(),
  },
  {
    name: 'introspection by the resource server',
    isDiscovered: true,
    ask: (fetch) =>
      createResourceServer({
        resource: 'https://api.example',
        issuer: { issuer, introspection: { credential } },
        fetch,
      }).verify('opaque-token'),
  },
  clientWay('discovery of the client', false, (client) => client.ready()),
  clientWay('the token endpoint', true, (client) => client.clientCredentials()),
  clientWay('token exchange', true, (client) => client.exchangeToken({ subjectToken: 'subject' })),
  clientWay('introspection by the client', true, (client) => client.introspect('token')),
  clientWay('revocation', true, (client) => client.revoke('token')),
  clientWay('pushed authorization requests', true, async (client) => {
    const { challenge } = await createPkcePair()
    const redirectUri = 'https://app.example/cb'
    return client.pushAuthorizationRequest({ redirectUri, codeChallenge: challenge, state: 'state' })
  }),
  clientWay('registration', true, (client) => client.register({ redirect_uris: [] })),
  clientWay('management of a registration', true, (client, host) => client.readRegistration(registered(host))),
  {
    name: 'the metadata server of Google Cloud',
    isDiscovered: false,
    ask: (fetch) => gcpIdentity({ audience: 'x', fetch })(),
  },
]

const isDiscovery = (way: WayOut): boolean => way.name.startsWith('discovery')

/** Serves metadata whose every address is on `host`, and meets whatever else is asked with `respond`. */
function hostile(way: WayOut, host: string, respond: () => Response | Promise<Response>) {
  const asked: string[] = []
  const target = `https://${host}/target`
  const document = {
    issuer,
    jwks_uri: target,
    token_endpoint: target,
    introspection_endpoint: target,
    revocation_endpoint: target,
    pushed_authorization_request_endpoint: target,
    authorization_endpoint: target,
    registration_endpoint: target,
  }
  const fetch: Fetch = async (url) => {
    if (url.includes('/.well-known/') && !isDiscovery(way)) return Response.json(document)
    asked.push(url)
    return respond()
  }
  return { asked, outcome: () => way.ask(fetch, host) }
}

describe.each(waysOut.map((way) => [way.name, way] as const))('%s', (_name, way) => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([
    ['302', { status: 302 }, false],
    ['308', { status: 308 }, false],
    ['200 after one that an own fetch followed', { status: 200 }, true],
  ] as const)('[JWKS-02] [D18] reads nothing of a redirect: %s', async (_name, init, redirected) => {
    let pulled = 0
    const body = () =>
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulled += 1
            controller.close()
          },
        },
        { highWaterMark: 0 },
      )
    const headers = { location: 'https://elsewhere.example/', 'content-type': 'application/json' }
    const { asked, outcome } = hostile(way, 'as.example', () =>
      Object.defineProperty(new Response(body(), { ...init, headers }), 'redirected', { value: redirected }),
    )
    await expect(outcome()).rejects.toThrow()
    expect(asked.length).toBeGreaterThan(0)
    expect([pulled, asked.filter((url) => url.includes('elsewhere'))]).toEqual([0, []])
  })

  it('[JWKS-02] [D18] breaks off an answer without end', async () => {
    let pulled = 0
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          pulled += 1
          controller.enqueue(new Uint8Array(16 * 1024).fill(0x20))
        },
      })
    const headers = { 'content-type': 'application/json' }
    const { asked, outcome } = hostile(way, 'as.example', () => new Response(endless(), { headers }))
    await expect(outcome()).rejects.toThrow()
    expect(pulled).toBeLessThanOrEqual(asked.length * 34)
  })

  it('[JWKS-02] [D18] gives up a fetch that hangs and ignores its signal', async ({ signal }) => {
    const { asked, outcome } = hostile(way, 'as.example', () => new Promise<never>(() => {}))
    const failed = vi.fn()
    const ended = outcome().catch(failed)
    while (failed.mock.calls.length === 0 && !signal.aborted) {
      await vi.advanceTimersByTimeAsync(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await ended
    expect(failed).toHaveBeenCalledOnce()
    expect(asked.length).toBeGreaterThan(0)
  })
})

const discovered = waysOut.filter(({ isDiscovered }) => isDiscovered)

describe.each(discovered.map((way) => [way.name, way] as const))('%s', (_name, way) => {
  it.each(['10.0.0.1', '169.254.169.254', '[::1]', 'metadata.internal'])(
    '[JWKS-08] [D18] does not ask %s where only a document names it',
    async (host) => {
      const { asked, outcome } = hostile(way, host, () => Response.json({}))
      await expect(outcome()).rejects.toThrow()
      expect(asked).toEqual([])
    },
  )
})

describe('access.fetch', () => {
  const alice = caller('alice-token')

  async function accessWith(fetch: typeof globalThis.fetch, fetchTimeoutMs = 30_000) {
    return (await accessOf(setUpGrants({ fetch, fetchTimeoutMs }), alice, calendar)).fetch(calendar)
  }

  it('[D18] hands a redirect over, and refuses one that an own fetch followed against orders', async () => {
    const asked: string[] = []
    const get = await accessWith(async (url) => {
      asked.push(String(url))
      return new Response(null, { status: 302, headers: { location: 'https://evil.example/' } })
    })
    expect((await get('/')).status).toBe(302)
    expect(asked).toEqual([calendar])
    const followed = await accessWith(async () =>
      Object.defineProperty(new Response('x'), 'redirected', { value: true }),
    )
    await expect(followed('/')).rejects.toMatchObject({ code: 'ERR_GRANT_MISSING', detail: 'redirect' })
  })

  it('[D18] gives up a fetch that hangs and ignores its signal, and breaks off a body that does not end', async () => {
    const hanging = await accessWith(() => new Promise<never>(() => {}), 20)
    await expect(hanging('/')).rejects.toMatchObject({ name: 'TimeoutError' })
    const trickling = await accessWith(async (_url, init) => {
      const body = new ReadableStream({
        start(controller) {
          init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason))
        },
      })
      return new Response(body)
    }, 20)
    await expect((await trickling('/')).text()).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('[D18] [JWKS-08] asks no address that the grant does not allow, private or not', async () => {
    const fetch = vi.fn()
    const get = await accessWith(fetch)
    for (const url of ['https://10.0.0.1/', 'https://user:secret@calendar.example/', 'http://calendar.example/']) {
      await expect(get(url)).rejects.toMatchObject({ code: 'ERR_GRANT_MISSING' })
    }
    expect(fetch).not.toHaveBeenCalled()
  })
})
