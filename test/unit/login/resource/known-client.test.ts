import { clientSecretBasic, perIssuer } from 'portcullis/client'
import { createMcpAuthProvider, createMemoryTokenStore, type ProtectedFetchOptions } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
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
