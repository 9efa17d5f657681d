import { NetworkError, OAuthClientError } from 'portcullis/client'
import {
  createMcpAuthProvider,
  createMemoryTokenStore,
  createProtectedFetch,
  LoginDeniedError,
  type ProtectedFetchOptions,
  TokenStoreError,
} from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import {
  agreeingUser,
  discoveryUrl,
  issuer,
  metadataUrl,
  refusal,
  resourceUrl,
  serverMetadata,
  simulateNetwork,
} from '../../../support/protected-resource.js'

function setUp(options: Partial<ProtectedFetchOptions> = {}) {
  const network = simulateNetwork()
  const signIn = agreeingUser(network)
  const time = { nowMs: 1_800_000_000_000 }
  const make = (further: Partial<ProtectedFetchOptions> = {}) =>
    createProtectedFetch({
      ...{ resource: resourceUrl, signIn, fetch: network.fetch, clock: () => time.nowMs },
      ...options,
      ...further,
    })
  return { network, signIn, time, make, fetch: make() }
}

const authorizationOf = (request: { readonly headers: Headers } | undefined) => request?.headers.get('authorization')

describe('createProtectedFetch', () => {
  it('[MCP-12] finds its way from the challenge to a token, and sends it with the next requests', async () => {
    const { network, signIn, fetch } = setUp()
    const response = await fetch(resourceUrl, { method: 'POST', body: '{}' })
    await expect(response.json()).resolves.toEqual({ token: 'as.example-1' })
    await fetch(`${resourceUrl}/below`)
    expect(network.at(resourceUrl).map(authorizationOf)).toEqual([null, 'Bearer as.example-1'])
    expect(authorizationOf(network.at(`${resourceUrl}/below`)[0])).toBe('Bearer as.example-1')
    expect(signIn.asked).toHaveLength(1)
  })

  it('[MCP-13] [RI-02] names the resource in the authorization request, the token request and the refresh', async () => {
    const { network, signIn, time, fetch } = setUp({ resource: 'HTTPS://API.example/mcp' })
    await fetch(resourceUrl)
    time.nowMs += 3_700_000
    await fetch(resourceUrl)
    const [redemption, refresh] = network.at(`${issuer}/token`)
    expect(signIn.asked[0]?.getAll('resource')).toEqual([resourceUrl])
    expect(redemption?.form.getAll('resource')).toEqual([resourceUrl])
    expect(refresh?.form.get('grant_type')).toBe('refresh_token')
    expect(refresh?.form.getAll('resource')).toEqual([resourceUrl])
  })

  it('[C-21] [C-22] repeats the redirect URI in the token request, and sends PKCE whatever the metadata says', async () => {
    const { network, signIn, fetch } = setUp()
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { code_challenge_methods_supported: undefined }))
    await fetch(resourceUrl)
    expect(network.at(`${issuer}/token`)[0]?.form.get('redirect_uri')).toBe('http://127.0.0.1:7/callback')
    expect(signIn.asked[0]?.get('code_challenge_method')).toBe('S256')
  })

  it('[PRM-14] asks for the scope of the challenge and its own, and not for all that the resource has', async () => {
    const { network, signIn, make, fetch } = setUp({ scope: 'own' })
    network.documents.set(metadataUrl, {
      ...{ resource: resourceUrl, authorization_servers: [issuer], scopes_supported: ['read', 'admin'] },
    })
    const challenge = `Bearer scope="read", resource_metadata="${metadataUrl}"`
    network.resource = ({ headers }) => (headers.has('authorization') ? undefined : refusal(challenge))
    await fetch(resourceUrl)
    expect(signIn.asked[0]?.get('scope')).toBe('own read')
    network.resource = () => undefined
    await make({ scope: 'own' })(resourceUrl)
    expect(signIn.asked[1]?.get('scope')).toBe('own')
  })

  it('signs in once for requests at the same time', async () => {
    const { signIn, fetch } = setUp()
    const responses = await Promise.all([fetch(resourceUrl), fetch(`${resourceUrl}/a`), fetch(`${resourceUrl}/b`)])
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(signIn.asked).toHaveLength(1)
  })

  it('renews a token that the resource refuses, and signs in where that does not help', async () => {
    const { network, signIn, fetch } = setUp()
    await fetch(resourceUrl)
    network.issued.clear()
    await expect((await fetch(resourceUrl)).json()).resolves.toEqual({ token: 'as.example-2' })
    const sent = [null, 'Bearer as.example-1', 'Bearer as.example-1', 'Bearer as.example-2']
    expect(network.at(resourceUrl).map(authorizationOf)).toEqual(sent)
    expect(network.at(`${issuer}/token`).map(({ form }) => form.get('grant_type'))).toEqual([
      'authorization_code',
      'refresh_token',
    ])
    network.resource = () => refusal('Bearer error="invalid_token"')
    expect((await fetch(resourceUrl)).status).toBe(401)
    expect(signIn.asked).toHaveLength(2)
  })

  it('signs in where a refresh brings the very token that was refused, without sending that again', async () => {
    const { network, signIn, fetch } = setUp()
    await fetch(resourceUrl)
    network.resource = ({ headers }) =>
      headers.get('authorization') === 'Bearer other' ? Response.json('ok') : undefined
    network.issued.clear()
    let answers = 0
    Object.defineProperty(network.tokenAnswer, 'access_token', {
      enumerable: true,
      get: () => (answers++ === 0 ? 'as.example-1' : 'other'),
    })
    network.refuses = () => {
      network.issued.clear()
      return false
    }
    await fetch(resourceUrl)
    expect(signIn.asked).toHaveLength(2)
    expect(network.at(resourceUrl).map(authorizationOf)).toEqual([
      ...[null, 'Bearer as.example-1', 'Bearer as.example-1', 'Bearer other'],
    ])
  })

  it('uses the tokens that another request got meanwhile', async () => {
    const { network, signIn, make } = setUp()
    const order: string[] = []
    let answerSlow = () => {}
    const mayAnswer = new Promise<void>((resolve) => {
      answerSlow = resolve
    })
    const fetch = make({
      fetch: async (input, init) => {
        const isFirst = String(input).endsWith('/slow') && !order.includes('slow')
        if (isFirst) {
          order.push('slow')
          await mayAnswer
        }
        return network.fetch(input, init)
      },
    })
    const slow = fetch(`${resourceUrl}/slow`)
    await fetch(resourceUrl)
    answerSlow()
    expect((await slow).status).toBe(200)
    expect(signIn.asked).toHaveLength(1)
  })

  it.each([
    ['a private address', 'https://10.0.0.1/mcp', {}],
    ['http on this machine, where that is allowed', 'http://127.0.0.1:7/mcp', { allowInsecureLoopback: true }],
  ])('asks a resource that the application names at %s', async (_what, resource, options) => {
    const { network, make } = setUp({ resource, ...options })
    network.resource = () => Response.json('public')
    expect((await make()(resource)).status).toBe(200)
    expect(network.at(resource)).toHaveLength(1)
  })

  it('ends a refresh when it is closed', async () => {
    const { network, time, make } = setUp()
    const fetch = make({
      fetch: (input, init) => {
        if (!String(init?.body).includes('refresh_token=')) return network.fetch(input, init)
        queueMicrotask(() => void fetch.close())
        return new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
        })
      },
    })
    await fetch(resourceUrl)
    time.nowMs += 3_700_000
    await expect(fetch(resourceUrl)).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('hands over what no token can mend: other schemes, other refusals, bodies that are gone', async () => {
    const { network, signIn, fetch } = setUp()
    for (const response of [refusal('Basic realm="x"'), refusal('Basic', 403), new Response(null, { status: 403 })]) {
      network.resource = () => response
      expect(await fetch(resourceUrl)).toBe(response)
    }
    network.resource = () => undefined
    const stream = new Blob(['x']).stream()
    expect((await fetch(resourceUrl, { method: 'POST', body: stream })).status).toBe(401)
    network.resource = () => refusal('Bearer error="invalid_request"', 403)
    expect((await fetch(resourceUrl)).status).toBe(403)
    expect(signIn.asked).toHaveLength(0)
  })

  it('[MCP-17] sends nothing outside of the resource, and no header of the caller in the place of the token', async () => {
    const { network, fetch } = setUp()
    const wrong = ['https://evil.example/mcp', 'https://api.example/other', 'https://api.example/mcpx', 'http://[']
    for (const url of [...wrong, 'https://user@api.example/mcp']) {
      const detail = url === 'http://[' ? 'no URL' : 'the URL is not that of the resource, or below it'
      await expect(fetch(url)).rejects.toMatchObject({
        ...{ code: 'ERR_CLIENT_ARGUMENT', message: `The request cannot be sent: ${detail}.` },
      })
    }
    const headers = { Authorization: 'Bearer mine' }
    await expect(fetch(resourceUrl, { headers })).rejects.toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
      message: 'The request cannot be sent: `headers` must not have `Authorization`.',
    })
    expect(network.requests).toHaveLength(0)
  })

  it('[MCP-17] hands a redirect over instead of carrying the token along', async () => {
    const { network, fetch } = setUp()
    await fetch(resourceUrl)
    const moved = new Response(null, { status: 307, headers: { Location: 'https://evil.example/' } })
    network.resource = () => moved
    expect(await fetch(resourceUrl)).toBe(moved)
    expect(network.requests.some(({ url }) => url.startsWith('https://evil.example'))).toBe(false)
  })

  it('signs in beforehand, says its token, signs out and closes', async () => {
    const { network, signIn, fetch } = setUp()
    await expect(fetch.token()).resolves.toBeUndefined()
    await expect(fetch.signOut()).resolves.toEqual({ revocation: 'nothing' })
    await fetch.signIn()
    await fetch.signIn({ signal: new AbortController().signal })
    await expect(fetch.token()).resolves.toMatchObject({ accessToken: 'as.example-1' })
    expect(signIn.asked).toHaveLength(1)
    await expect(fetch.signOut()).resolves.toEqual({ revocation: 'revoked' })
    expect(network.at(`${issuer}/revoke`).map(({ form }) => form.get('token'))).toEqual([
      'refresh-as.example-1',
      'as.example-1',
    ])
    expect(network.at(`${issuer}/revoke`).map(({ form }) => form.get('token_type_hint'))).toEqual([
      'refresh_token',
      'access_token',
    ])
    expect(network.at(resourceUrl)[0]?.headers.get('accept')).toBe('application/json, text/event-stream')
    await fetch.close()
    await expect(fetch(resourceUrl)).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
  })

  it('ends what is under way when it is closed: requests, and a sign-in', async () => {
    const { signIn, make, network } = setUp()
    const signals: AbortSignal[] = []
    const waiting = make({
      signIn: {
        metadata: signIn.metadata,
        getTokens: ({ signal }) =>
          new Promise((_resolve, reject) => {
            signals.push(signal)
            signal.addEventListener('abort', () => reject(signal.reason))
            void waiting.close()
          }),
      },
    })
    await expect(waiting(resourceUrl)).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    const asking = make({
      fetch: (input, init) => {
        if (String(input) !== resourceUrl) return network.fetch(input, init)
        queueMicrotask(() => void asking.close())
        return new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
        })
      },
    })
    await expect(asking(resourceUrl)).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
  })

  it('lets go of every answer that it does not hand over', async () => {
    const { network, signIn, make } = setUp()
    let left = 0
    const refusing = () => {
      left += 1
      const body = new ReadableStream({
        cancel() {
          left -= 1
        },
      })
      const headers = { 'WWW-Authenticate': `Bearer resource_metadata="${metadataUrl}"` }
      return new Response(body, { status: 401, headers })
    }
    network.resource = ({ headers }) => (headers.has('authorization') ? undefined : refusing())
    expect((await make()(resourceUrl)).status).toBe(200)
    await make().signIn()
    const failing = make({ signIn: { ...signIn, getTokens: () => Promise.reject(new Error('no')) } })
    await expect(failing(resourceUrl)).rejects.toThrow('no')
    expect([left, signIn.asked.length]).toEqual([0, 2])
  })

  it('ends the waiting of a caller who gave up, with the sign-in going on for others', async () => {
    const { signIn, make } = setUp()
    const giveUp = new AbortController()
    const fetch = make({
      signIn: {
        metadata: signIn.metadata,
        async getTokens(request) {
          giveUp.abort(new Error('gave up'))
          return signIn.getTokens(request)
        },
      },
    })
    await expect(fetch(resourceUrl, { signal: giveUp.signal })).rejects.toThrowError('gave up')
    await expect((await fetch(resourceUrl)).json()).resolves.toEqual({ token: 'as.example-1' })
    expect(signIn.asked).toHaveLength(1)
  })

  it('lets a caller who gives up go at once, and others who give no signal wait', async () => {
    const { network, signIn, make } = setUp()
    const giveUp = new AbortController()
    const never = make({
      signIn: { ...signIn, getTokens: () => new Promise(() => giveUp.abort(new Error('gave up'))) },
    })
    await expect(never(resourceUrl, { signal: giveUp.signal })).rejects.toThrow('gave up')
    await expect(make().signIn({ signal: AbortSignal.abort(new Error('gave up')) })).rejects.toThrow('gave up')
    expect(network.at(`${issuer}/token`)).toHaveLength(0)
    const leaving = new AbortController()
    const asking = make({
      fetch: (_url, init) => {
        queueMicrotask(() => leaving.abort(new Error('left')))
        return new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
        })
      },
    })
    await expect(asking.signIn({ signal: leaving.signal })).rejects.toThrow('left')
    expect((await make()(resourceUrl, { signal: null })).status).toBe(200)
  })

  it('revokes the access token also where the server does not revoke the refresh token, and says so', async () => {
    const { network, fetch } = setUp()
    await fetch(resourceUrl)
    const unsupported = { error: 'unsupported_token_type' }
    network.revocation = ({ form }) =>
      form.get('token_type_hint') === 'refresh_token' ? Response.json(unsupported, { status: 400 }) : new Response()
    await expect(fetch.signOut()).resolves.toEqual({ revocation: 'unsupported' })
    expect(network.at(`${issuer}/revoke`).map(({ form }) => form.get('token_type_hint'))).toEqual([
      'refresh_token',
      'access_token',
    ])
  })

  it('[REV-02] [REV-03] knows a token that is gone, and types that the server does not revoke', async () => {
    for (const [error, revocation] of [
      ['unsupported_token_type', 'unsupported'],
      ['invalid_token', 'revoked'],
      ['server_error', 'failed'],
    ]) {
      const { network, fetch } = setUp()
      await fetch(resourceUrl)
      network.revocation = () => Response.json({ error }, { status: 400 })
      await expect(fetch.signOut(), error).resolves.toEqual({ revocation })
    }
  })

  it('revokes the access token alone where there is no other', async () => {
    const { network, fetch } = setUp()
    network.tokenAnswer = { refresh_token: undefined }
    await fetch(resourceUrl)
    await expect(fetch.signOut()).resolves.toEqual({ revocation: 'revoked' })
    expect(network.at(`${issuer}/revoke`).map(({ form }) => form.get('token'))).toEqual(['as.example-1'])
  })

  it('takes up the tokens that another process left in the store, without discovery', async () => {
    const { network, signIn, make } = setUp({ store: createMemoryTokenStore() })
    await make()(resourceUrl)
    const before = network.requests.length
    await make()(resourceUrl)
    expect(network.requests.slice(before).map(authorizationOf)).toEqual(['Bearer as.example-1'])
    await make({ user: 'somebody else' })(resourceUrl)
    expect(signIn.asked).toHaveLength(2)
  })

  it('tells every step, and nothing secret', async () => {
    const steps: string[] = []
    const { fetch } = setUp({ onStep: ({ step, found }) => void steps.push(`${step}: ${found}`) })
    await fetch(`${resourceUrl}?secret=1`)
    expect(steps).toEqual([
      `challenge: ${resourceUrl} asks for metadata at ${metadataUrl}`,
      `resource_metadata: ${metadataUrl}: ${resourceUrl}`,
      `authorization_server: ${issuer}`,
      'client: client-1, by registration',
      'sign_in: no scope',
      'token: Bearer for no scope',
    ])
  })

  it('refuses options that cannot be right', () => {
    const { make } = setUp()
    const wrong: readonly Partial<Record<keyof ProtectedFetchOptions, unknown>>[] = [
      { resource: 'http://api.example' },
      { signIn: {} },
      { clientDocument: { url: 'https://app.example' } },

      { dpop: true },
      { timeoutMs: 0 },
    ]
    for (const options of wrong) {
      expect(() => make(options as Partial<ProtectedFetchOptions>)).toThrowError(/takes|needs/)
    }
    expect(() => make({ clientDocument: { url: ['https://app.example/client'] } } as never)).toThrow(
      '`clientDocument.url` takes an https URL with a path.',
    )
    expect(() => make({ resources: [] } as never)).toThrow('createProtectedFetch has no option `resources`.')
    expect(() => createMcpAuthProvider({ serverUrl: resourceUrl, signIn: make, urls: [] } as never)).toThrow(
      'createMcpAuthProvider has no option `urls`.',
    )
  })
})

describe('step-up', () => {
  const wants = (scope: string) => `Bearer error="insufficient_scope", scope="${scope}"`

  it('[MCP-16] asks for the union of earlier and challenged scopes', async () => {
    const { network, signIn, fetch } = setUp({ scope: 'read' })
    network.resource = ({ headers, method }) => {
      const [, token = ''] = (headers.get('authorization') ?? '').split(' ')
      const scope = network.issued.get(token)?.scope
      if (scope === undefined) return undefined
      return method === 'POST' && !scope.includes('write') ? refusal(wants('write'), 403) : Response.json(scope)
    }
    await fetch(resourceUrl)
    await expect((await fetch(resourceUrl, { method: 'POST', body: '' })).json()).resolves.toBe('read write')
    expect(signIn.asked.map((asked) => asked.get('scope'))).toEqual(['read', 'read write'])
  })

  it('[MCP-16] tries twice at most, remembers what did not help per operation, and forgets it after a while', async () => {
    const { network, signIn, time, fetch } = setUp()
    network.tokenAnswer = { scope: 'none' }
    await fetch(resourceUrl)
    network.resource = () => refusal(wants('write'), 403)
    expect((await fetch(resourceUrl)).status).toBe(403)
    expect(signIn.asked).toHaveLength(3)
    expect((await fetch(resourceUrl)).status).toBe(403)
    expect(signIn.asked).toHaveLength(3)
    expect((await fetch(`${resourceUrl}/other`)).status).toBe(403)
    expect(signIn.asked).toHaveLength(5)
    time.nowMs += 600_001
    await fetch(resourceUrl)
    expect(signIn.asked).toHaveLength(7)
  })

  it('[MCP-16] does not sign in for scopes that the token has', async () => {
    const { network, signIn, fetch } = setUp({ scope: 'write' })
    await fetch(resourceUrl)
    network.resource = () => refusal(wants('write'), 403)
    expect((await fetch(resourceUrl)).status).toBe(403)
    expect(signIn.asked).toHaveLength(1)
    expect(network.at(resourceUrl)).toHaveLength(3)
  })

  /** What the third request says, after a step-up that failed with `error` and one by a willing user. */
  async function afterFailure(error: Error): Promise<number> {
    const { network, signIn, make } = setUp()
    let failure: Error | undefined
    const fetch = make({
      signIn: {
        metadata: signIn.metadata,
        getTokens: (request) => (failure === undefined ? signIn.getTokens(request) : Promise.reject(failure)),
      },
    })
    await fetch(resourceUrl)
    network.resource = ({ headers }) => {
      const isGood = headers.get('authorization') === 'Bearer as.example-2'
      return isGood ? Response.json('ok') : refusal(wants('write'), 403)
    }
    failure = error
    await expect(fetch(resourceUrl)).rejects.toBe(error)
    failure = undefined
    return (await fetch(resourceUrl)).status
  }

  it.each([
    ['the user refused', new LoginDeniedError('ERR_LOGIN_DENIED', { reason: 'denied' } as never)],
    ['failed in a way nobody knows', new Error('no')],
    ['the store cannot keep', new TokenStoreError('ERR_TOKEN_STORE_CORRUPT', 'damaged')],
  ])('[MCP-16] remembers a step-up that %s', async (_name, error) => {
    await expect(afterFailure(error)).resolves.toBe(403)
  })

  it.each([
    ['a server that is down', new NetworkError('ERR_NETWORK')],
    ['a store that is down', new TokenStoreError('ERR_TOKEN_STORE_UNAVAILABLE', 'down')],
    ['a call that was given up', new OAuthClientError('ERR_ABORTED')],
  ])('[MCP-16] remembers nothing of %s: the next request steps up', async (_name, error) => {
    await expect(afterFailure(error)).resolves.toBe(200)
  })

  it('tells what a step-up is for', async () => {
    const steps: string[] = []
    const { network, fetch } = setUp({
      onStep: ({ step, found }) => void (step === 'challenge' && steps.push(found)),
    })
    const challenge = 'DPoP error="insufficient_user_authentication", acr_values="gold", scope="write"'
    network.resource = ({ headers }) => (headers.get('authorization') === null ? undefined : refusal(challenge))
    await fetch(resourceUrl)
    expect(steps[1]).toBe(`${resourceUrl} asks for scope write, acr_values gold, DPoP`)
  })

  it('asks for a better login where the resource wants one (RFC 9470)', async () => {
    const { network, signIn, fetch } = setUp()
    const challenge = 'Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="60"'
    let refusals = 0
    network.resource = ({ headers }) => {
      if (!headers.has('authorization') || refusals === 1) return undefined
      refusals += 1
      return refusal(challenge)
    }
    expect((await fetch(resourceUrl)).status).toBe(200)
    expect(signIn.asked[1]?.get('acr_values')).toBe('gold silver')
    expect(signIn.asked[1]?.get('max_age')).toBe('60')
  })
})
