import { clientSecretBasic, perIssuer, publicClient } from 'portcullis/client'
import {
  clientCredentialsSignIn,
  createMcpAuthProvider,
  createMemoryTokenStore,
  type ProtectedFetchOptions,
} from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { sha256Base64url } from '#crypto'
import { restoreRegistration } from '../../../../src/client/registration/registered-client.js'
import { keepObject } from '../../../../src/login/resource/kept-text.js'
import { knowClient } from '../../../../src/login/resource/known-client.js'
import { toProtectedSettings } from '../../../../src/login/resource/protected-options.js'
import {
  agreeingUser,
  discoveryUrl,
  issuer,
  resourceUrl,
  serverMetadata,
  simulateNetwork,
} from '../../../support/protected-resource.js'

const document = 'https://app.example/client.json'
const accepts = serverMetadata(issuer, { client_id_metadata_document_supported: true })
const credentials = perIssuer({ [issuer]: clientSecretBasic({ clientId: 'app', clientSecret: 'secret' }) })

function setUp(options: Partial<ProtectedFetchOptions> = {}) {
  const network = simulateNetwork()
  const signIn = agreeingUser(network)
  const time = { nowMs: 1_800_000_000_000 }
  const make = (further: Partial<ProtectedFetchOptions> = {}) => {
    const { resource: _r, ...rest } = { ...options, ...further } as Partial<ProtectedFetchOptions>
    const base = { serverUrl: resourceUrl, signIn, fetch: network.fetch, clock: () => time.nowMs }
    return createMcpAuthProvider({ ...base, ...rest }).fetch
  }
  const registered = () => network.at(`${issuer}/register`).map(({ body }) => JSON.parse(body))
  return { network, signIn, time, make, registered }
}

async function signingKey() {
  return (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])).privateKey
}

describe('who the client is at a server', () => {
  it('[MCP-14] uses the credential it has for this issuer before anything else', async () => {
    const { network, signIn, make, registered } = setUp({ credentials, clientDocument: { url: document } })
    network.documents.set(discoveryUrl(), accepts)
    await make()(resourceUrl)
    expect(signIn.asked[0]?.get('client_id')).toBe('app')
    expect(registered()).toHaveLength(0)
  })

  it('[MCP-14] [CIMD-06] uses its document where the server says that it takes one, and the next way where not', async () => {
    const { network, signIn, make, registered } = setUp({ clientDocument: { url: document } })
    network.documents.set(discoveryUrl(), accepts)
    await make()(resourceUrl)
    network.documents.set(discoveryUrl(), serverMetadata())
    await make()(resourceUrl)
    expect(signIn.asked.map((asked) => asked.get('client_id'))).toEqual([document, 'client-1'])
    expect(registered()).toHaveLength(1)
  })

  it('[CIMD-02] [CIMD-05] sends the URL of the document character by character, and authenticates by its keys', async () => {
    const url = 'https://app.example:443/client.json'
    const keys = [{ key: await signingKey() }]
    const { network, signIn, make } = setUp({ clientDocument: { url, keys } })
    network.documents.set(discoveryUrl(), accepts)
    await make()(resourceUrl)
    expect(signIn.asked[0]?.get('client_id')).toBe(url)
    const { form } = network.at(`${issuer}/token`)[0] ?? {}
    expect(form?.get('client_id')).toBe(url)
    expect(form?.get('client_assertion')).toMatch(/^ey/)
  })

  it('[MCP-14] [DCR-04] [DCR-06] registers as what its way to sign in is, by a method that the server has', async () => {
    const { network, make, registered } = setUp({ clientName: 'Notes' })
    await make()(resourceUrl)
    const methods = { token_endpoint_auth_methods_supported: ['client_secret_basic'] }
    network.documents.set(discoveryUrl(), serverMetadata(issuer, methods))
    await make({ registration: { metadata: { scope: 'notes' } } })(resourceUrl).catch(() => undefined)
    expect(registered()).toEqual([
      {
        application_type: 'native',
        client_name: 'Notes',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/callback'],
        token_endpoint_auth_method: 'none',
      },
      expect.objectContaining({ token_endpoint_auth_method: 'client_secret_basic', scope: 'notes' }),
    ])
  })

  it('[DCR-04] registers with private_key_jwt where it has keys', async () => {
    const keys = [{ key: await signingKey() }]
    const metadata = { jwks_uri: 'https://app.example/jwks.json' }
    const { network, make, registered } = setUp({ registration: { keys, metadata, initialAccessToken: 'initial' } })
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { token_endpoint_auth_methods_supported: undefined }))
    await make()(resourceUrl)
    expect(registered()[0]).toMatchObject({ token_endpoint_auth_method: 'private_key_jwt', ...metadata })
    expect(network.at(`${issuer}/register`)[0]?.headers.get('authorization')).toBe('Bearer initial')
    expect(network.at(`${issuer}/token`)[0]?.form.has('client_assertion')).toBe(true)
  })

  it('says where the server registered what cannot be used', async () => {
    const { network, make } = setUp({ registration: { metadata: { token_endpoint_auth_method: 'private_key_jwt' } } })
    await expect(make()(resourceUrl)).rejects.toMatchObject({ code: 'ERR_REGISTRATION_UNUSABLE' })
    expect(network.at(`${issuer}/token`)).toHaveLength(0)
  })

  it('[MCP-14] asks the application last, and says where nobody knows the client', async () => {
    const asked: string[] = []
    const answer = { value: undefined as ReturnType<typeof clientSecretBasic> | undefined }
    const { network, signIn, make } = setUp({
      registration: false,
      ask: ({ issuer: at }) => {
        asked.push(at)
        return answer.value
      },
    })
    await expect(make()(resourceUrl)).rejects.toMatchObject({ code: 'ERR_CLIENT_UNKNOWN' })
    answer.value = clientSecretBasic({ clientId: 'typed-in', clientSecret: 'secret' })
    await make()(resourceUrl)
    expect(asked).toEqual([issuer, issuer])
    expect(signIn.asked[0]?.get('client_id')).toBe('typed-in')
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { registration_endpoint: undefined }))
    await expect(make({ ask: undefined })(resourceUrl)).rejects.toMatchObject({ code: 'ERR_CLIENT_UNKNOWN' })
    const nameless = { method: 'none', clientId: undefined, authenticate: () => ({}) } as const
    await expect(make({ ask: () => nameless })(resourceUrl)).rejects.toMatchObject({ code: 'ERR_CLIENT_UNKNOWN' })
  })
})

describe('a client that the server refuses', () => {
  /** A network whose token endpoint refuses some requests with an error. */
  function refusing(
    options: Partial<ProtectedFetchOptions>,
    error: string,
    isRefused: (form: URLSearchParams) => boolean,
  ) {
    const all = setUp(options)
    const refused: string[] = []
    const make = () =>
      all.make({
        fetch: async (input, init) => {
          const form = new URLSearchParams(String(init?.body))
          if (!String(input).endsWith('/token') || !isRefused(form)) return all.network.fetch(input, init)
          refused.push(form.get('grant_type') ?? '')
          return Response.json({ error }, { status: error === 'invalid_client' ? 401 : 400 })
        },
      })
    return { ...all, refused, make }
  }

  it('is not replaced by another one where the application named it', async () => {
    const { make, refused, registered } = refusing({ credentials }, 'invalid_client', () => true)
    await expect(make()(resourceUrl)).rejects.toMatchObject({ code: 'ERR_INVALID_CLIENT' })
    expect([refused, registered()]).toEqual([['authorization_code'], []])
  })

  it.each([
    ['registers once more, and no more, where the server does not know it', 'invalid_client', 2],
    ['stays who it is where only the refresh token is refused', 'invalid_grant', 1],
  ])('%s', async (_what, error, count) => {
    const isRefresh = (form: URLSearchParams) => form.get('grant_type') === 'refresh_token'
    const { make, refused, registered, time } = refusing({}, error, isRefresh)
    const fetch = make()
    await fetch(resourceUrl)
    time.nowMs += 3_700_000
    await fetch(resourceUrl).catch(() => undefined)
    expect([refused.length, registered().length]).toEqual([count, count])
  })
})

describe('registrations', () => {
  it('[DCR-07] keeps them by issuer in the store, for the next process', async () => {
    const { signIn, make, registered } = setUp({ store: createMemoryTokenStore() })
    await make({ user: 'a' })(resourceUrl)
    await make({ user: 'b' })(resourceUrl)
    expect(registered()).toHaveLength(1)
    expect(signIn.asked.map((asked) => asked.get('client_id'))).toEqual(['client-1', 'client-1'])
  })

  it('registers anew where the redirect URI is another one, or the secret has expired', async () => {
    const { network, signIn, time, make, registered } = setUp({ store: createMemoryTokenStore() })
    await make({ user: 'a' })(resourceUrl)
    const elsewhere = { ...signIn, metadata: { ...signIn.metadata, redirect_uris: ['http://127.0.0.1:1/other'] } }
    await make({ user: 'b', signIn: elsewhere })(resourceUrl)
    expect(registered()).toHaveLength(2)
    const expiring = { client_secret: 'x', client_secret_expires_at: time.nowMs / 1000 + 60 }
    network.fetch = withMembers(network.fetch, expiring)
    const fetch = { fetch: network.fetch, store: createMemoryTokenStore() }
    await make({ ...fetch, user: 'c' })(resourceUrl)
    time.nowMs += 59_000
    await make({ ...fetch, user: 'd' })(resourceUrl)
    expect(registered()).toHaveLength(3)
    time.nowMs += 1000
    await make({ ...fetch, user: 'e' })(resourceUrl)
    expect(registered()).toHaveLength(4)
  })

  it('[DCR-07] [MCP-17] registers once where two register at once: both are the one that was kept first', async () => {
    const { network, signIn, make, registered } = setUp({ store: createMemoryTokenStore() })
    await Promise.all([make({ user: 'a' })(resourceUrl), make({ user: 'b' })(resourceUrl)])
    expect(registered()).toHaveLength(2)
    const used = new Set(signIn.asked.map((asked) => asked.get('client_id')))
    expect(used.size).toBe(1)
    await make({ user: 'c' })(resourceUrl)
    expect(signIn.asked[2]?.get('client_id')).toBe([...used][0])
    expect(new Set(network.at(`${issuer}/token`).map(({ form }) => form.get('client_id')))).toEqual(used)
  })

  it('keeps its own where the one that was kept meanwhile does not serve it', async () => {
    const { signIn, make } = setUp({ store: createMemoryTokenStore() })
    const elsewhere = { ...signIn, metadata: { ...signIn.metadata, redirect_uris: ['http://127.0.0.1:1/other'] } }
    await Promise.all([make({ user: 'a' })(resourceUrl), make({ user: 'b', signIn: elsewhere })(resourceUrl)])
    const used = signIn.asked.map((asked) => asked.get('client_id'))
    expect(new Set(used).size).toBe(2)
    await make({ user: 'c', signIn: elsewhere })(resourceUrl)
    expect(used).toContain(signIn.asked[2]?.get('client_id'))
  })

  it('[DCR-02] takes what the registration says of redirect URIs, and its own where it says nothing', async () => {
    const { network, signIn, make, registered } = setUp({ store: createMemoryTokenStore() })
    const fetch = withMembers(network.fetch, { redirect_uris: undefined })
    await make({ fetch, user: 'a' })(resourceUrl)
    await make({ fetch, user: 'b' })(resourceUrl)
    const asItself = { ...signIn, metadata: { grant_types: ['authorization_code'] } }
    await make({ fetch, user: 'c', signIn: asItself })(resourceUrl)
    expect(registered()).toHaveLength(1)
  })

  it('[DCR-04] registers without a secret where the server lists no method that it has', async () => {
    const { network, make, registered } = setUp()
    const methods = { token_endpoint_auth_methods_supported: ['tls_client_auth'] }
    network.documents.set(discoveryUrl(), serverMetadata(issuer, methods))
    await make()(resourceUrl)
    expect(registered()[0]).toMatchObject({ token_endpoint_auth_method: 'none' })
  })

  it('says where the server refuses at a refresh the credential that it was given', async () => {
    const { network, time, make, registered } = setUp({ credentials })
    const fetch = make()
    await fetch(resourceUrl)
    network.issued.clear()
    time.nowMs += 3_700_000
    network.fetch = withRefusal(network.fetch, 'invalid_client')
    const again = make({ fetch: network.fetch })
    await expect(again(resourceUrl)).rejects.toMatchObject({ code: 'ERR_INVALID_CLIENT' })
    expect(registered()).toHaveLength(0)
  })

  it('signs in anew, as a new client, where the server lost the registration before a refresh', async () => {
    const { network, signIn, time, make, registered } = setUp()
    const fetch = make()
    await fetch(resourceUrl)
    network.clients.clear()
    network.clients.add('somebody')
    network.issued.clear()
    time.nowMs += 3_700_000
    network.refuses = ({ form }) => form.get('grant_type') === 'refresh_token' && form.get('client_id') === 'client-2'
    expect((await fetch(resourceUrl)).status).toBe(200)
    expect(registered()).toHaveLength(2)
    expect(signIn.asked.map((asked) => asked.get('client_id'))).toEqual(['client-1', 'client-2'])
  })

  it('registers anew once where the server does not know the client any more', async () => {
    const { network, make, registered } = setUp({ store: createMemoryTokenStore() })
    await make({ user: 'a' })(resourceUrl)
    network.clients.clear()
    network.clients.add('somebody')
    expect((await make({ user: 'b' })(resourceUrl)).status).toBe(200)
    expect(registered()).toHaveLength(2)
  })

  it('tells a server that refuses its own registration, and any other refusal', async () => {
    const { network, make, registered } = setUp()
    network.fetch = withRefusal(network.fetch, 'invalid_client')
    await expect(make({ fetch: network.fetch })(resourceUrl)).rejects.toMatchObject({ code: 'ERR_INVALID_CLIENT' })
    expect(registered()).toHaveLength(2)
  })

  it('[DCR-02] takes a secret without its expiry for one that never expires', async () => {
    const { network, make } = setUp()
    network.documents.set(
      discoveryUrl(),
      serverMetadata(issuer, { token_endpoint_auth_methods_supported: ['client_secret_basic'] }),
    )
    const fetch = withMembers(network.fetch, { client_secret: 'no-expiry' })
    expect((await make({ fetch })(resourceUrl)).status).toBe(200)
    expect(network.at(`${issuer}/token`)[0]?.headers.get('authorization')).toMatch(/^Basic /)
  })
})

function withMembers(fetch: typeof globalThis.fetch, members: object): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    if (!String(input).endsWith('/register')) return response
    return Response.json({ ...(await response.json()), ...members }, { status: 201 })
  }
}

function withRefusal(fetch: typeof globalThis.fetch, error: string): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    return String(input).endsWith('/token') ? Response.json({ error }, { status: 401 }) : response
  }
}

describe('knowClient', () => {
  const own = publicClient({ clientId: 'own' })
  const know = (
    options: object,
    members: object = {},
    register: (metadata: object) => Promise<object> = async () => ({}),
  ) => {
    const settings = toProtectedSettings('createProtectedFetch', {
      ...{ resource: resourceUrl, signIn: clientCredentialsSignIn(), clock: () => 1_800_000_000_000 },
      ...options,
    } as ProtectedFetchOptions)
    const server = { client: { issuer, register }, metadata: { issuer, ...members } }
    return knowClient(settings, server as never, undefined).catch(
      ({ code, operation, issuer: of, detail, message }) => ({ code, operation, issuer: of, detail, message }),
    )
  }
  const takesDocuments = { client_id_metadata_document_supported: true }
  const registers = { registration_endpoint: `${issuer}/register` }
  const fresh =
    (more: object = {}) =>
    async (metadata: object) =>
      restoreRegistration({ issuer, raw: { client_id: 'fresh', ...metadata, ...more } })

  it('[MCP-14] says how the client is known: each way before the next', async () => {
    const clientDocument = { url: document }
    const ask = async () => own
    const all = { ...takesDocuments, ...registers }
    expect(await know({ credentials, clientDocument, ask }, all)).toMatchObject({ clientId: 'app', by: 'credential' })
    const elsewhere = perIssuer({ 'https://other.example': own })
    expect(await know({ credentials: elsewhere, clientDocument, ask }, all)).toMatchObject({
      ...{ clientId: document, by: 'document' },
    })
    expect(await know({ ask }, all, fresh())).toMatchObject({ clientId: 'fresh', by: 'registration' })
    expect(await know({ ask }, takesDocuments)).toMatchObject({ clientId: 'own', by: 'application' })
    expect(await know({ ask, registration: false }, all)).toMatchObject({ clientId: 'own', by: 'application' })
    const unknown = { code: 'ERR_CLIENT_UNKNOWN', operation: 'register', issuer }
    expect(await know({}, takesDocuments)).toMatchObject(unknown)
    expect(await know({ ask: async () => undefined })).toMatchObject(unknown)
    const { clientId: _id, ...nameless } = own
    expect(await know({ ask: async () => nameless })).toMatchObject({
      ...{ code: 'ERR_CLIENT_UNKNOWN', issuer, detail: 'the credential names no client' },
    })
  })

  it('[MCP-14] authenticates in the first way that the server lists, and none is none', async () => {
    const asked = async (listed: unknown, registration: object = {}) => {
      let method: unknown
      await know(
        { registration },
        { ...registers, token_endpoint_auth_methods_supported: listed },
        async (metadata) => {
          method = (metadata as { token_endpoint_auth_method: unknown }).token_endpoint_auth_method
          return fresh({ client_secret: 's' })(metadata)
        },
      )
      return method
    }
    const keys = [{ key: await signingKey() }]
    expect(await asked(undefined)).toBe('none')
    expect(await asked(['client_secret_post', 'client_secret_basic'])).toBe('client_secret_basic')
    expect(await asked(['client_secret_post'])).toBe('client_secret_post')
    expect(await asked(['private_key_jwt'])).toBe('none')
    expect(await asked(['none', 'private_key_jwt'], { keys })).toBe('private_key_jwt')
    expect(await asked(['client_secret_basic'], { keys })).toBe('client_secret_basic')
  })

  it('says what is wrong with a registration that cannot be used', async () => {
    const listed = { ...registers, token_endpoint_auth_methods_supported: ['client_secret_basic'] }
    const found = await know({}, listed, fresh({ client_secret: undefined }))
    expect(found).toMatchObject({
      code: 'ERR_REGISTRATION_UNUSABLE',
      issuer,
      message: expect.stringMatching(/secret/i),
    })
  })

  it('[MCP-14] takes no kept registration of another server, and none that cannot be read', async () => {
    const store = createMemoryTokenStore()
    const key = `client:${await sha256Base64url(issuer)}`
    for (const kept of [
      { issuer: 'https://other.example', raw: { client_id: 'theirs' } },
      { issuer, raw: 'theirs' },
      { issuer },
    ]) {
      await keepObject(store, key, kept, 1_800_000_000_000)
      expect(await know({ store }, registers, fresh())).toMatchObject({ clientId: 'fresh' })
      expect((await store.get(key))?.savedAt).toBe(1_800_000_000)
    }
    expect(await know({ store }, registers, fresh({ client_id: 'again' }))).toMatchObject({ clientId: 'fresh' })
    const raw = { client_id: 'kept', redirect_uris: ['http://127.0.0.1/'] }
    await keepObject(store, key, { issuer, raw }, 1_800_000_000_000)
    expect(await know({ store }, registers, fresh())).toMatchObject({ clientId: 'kept' })
  })
})
