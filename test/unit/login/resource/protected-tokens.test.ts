import { createMemoryLockStore } from 'portcullis'
import { clientSecretBasic, perIssuer } from 'portcullis/client'
import {
  createMcpAuthProvider,
  createMemoryTokenStore,
  createProtectedFetch,
  type ProtectedFetchOptions,
  type SignIn,
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

const other = 'https://other.example'
const rootUrl = 'https://api.example/.well-known/oauth-protected-resource'

function setUp(options: Partial<ProtectedFetchOptions> = {}) {
  const network = simulateNetwork()
  network.documents.set(discoveryUrl(other), serverMetadata(other))
  const signIn = agreeingUser(network)
  const shared = { signIn, fetch: network.fetch, clock: () => 1_800_000_000_000, ...options }
  const make = (further: Partial<ProtectedFetchOptions> = {}) =>
    createProtectedFetch({ resource: resourceUrl, ...shared, ...further })
  const { resource: _resource, ...forMcp } = shared
  const makeMcp = (further: object = {}) => createMcpAuthProvider({ serverUrl: resourceUrl, ...forMcp, ...further })
  return { network, signIn, make, makeMcp }
}

/** The resource says nothing of where its metadata is. */
const silent = { headers: new Headers() }
const isSilent = ({ headers }: typeof silent) => (headers.has('authorization') ? undefined : refusal('Bearer'))

describe('the metadata of the resource', () => {
  it('[MCP-12] asks where the challenge says, and nowhere else', async () => {
    const { network, make } = setUp()
    const named = 'https://docs.example/about-mcp'
    network.documents.set(named, { resource: resourceUrl, authorization_servers: [issuer] })
    network.resource = ({ headers }) =>
      headers.has('authorization') ? undefined : refusal(`Bearer resource_metadata="${named}"`)
    network.fetch = withDocument(network.fetch, named, network.documents.get(named))
    const asked: string[] = []
    const fetch = make({
      fetch: (input, init) => {
        asked.push(String(input))
        return network.fetch(input, init)
      },
    })
    expect((await fetch(resourceUrl)).status).toBe(200)
    expect(asked).toContain(named)
    expect(asked.filter((url) => url.includes('oauth-protected-resource'))).toEqual([])
  })

  it('[MCP-12] without one asks with the path of the resource first, then at the root', async () => {
    const { network, makeMcp } = setUp()
    network.resource = isSilent
    network.documents.set(metadataUrl, undefined)
    network.documents.set(rootUrl, { resource: 'https://api.example', authorization_servers: [issuer] })
    expect((await makeMcp().fetch(resourceUrl)).status).toBe(200)
    const asked = network.requests.map(({ url }) => url).filter((url) => url.includes('oauth-protected-resource'))
    expect(asked).toEqual([metadataUrl, rootUrl])
  })

  it('[PRM-07] ignores members that it does not know', async () => {
    const { network, make } = setUp()
    network.documents.set(metadataUrl, { resource: resourceUrl, authorization_servers: [issuer], later: { x: 1 } })
    expect((await make()(resourceUrl)).status).toBe(200)
  })

  it.each([
    ['another resource', 'https://evil.example/mcp'],
    ['the resource in another spelling', 'https://api.example/MCP'],
    ['the origin of the resource', 'https://api.example'],
    ['nothing', undefined],
  ])('[PRM-08] [C-18] discards a document about %s', async (_name, named) => {
    const { network, signIn, make } = setUp()
    network.documents.set(metadataUrl, { resource: named, authorization_servers: [issuer] })
    await expect(make()(resourceUrl)).rejects.toMatchObject({ code: 'ERR_RESOURCE_METADATA' })
    expect(signIn.asked).toHaveLength(0)
  })

  it('[PRM-08] takes the URL of the request for the resource where a challenge named the document', async () => {
    const { network, make } = setUp()
    network.documents.set(metadataUrl, { resource: `${resourceUrl}/a`, authorization_servers: [issuer] })
    expect((await make()(`${resourceUrl}/a`)).status).toBe(200)
    network.resource = isSilent
    await expect(make()(`${resourceUrl}/a`)).rejects.toMatchObject({ code: 'ERR_RESOURCE_METADATA' })
  })

  it.each([
    ['the origin', 'https://api.example', true],
    ['a path above', 'https://api.example/team', true],
    ['a path that only begins alike', 'https://api.example/tea', false],
    ['another origin', 'https://api.example:444/team', false],
    ['a query', 'https://api.example/team?x', false],
    ['no URL', 'team', false],
  ])('[C-18] MCP: judges a document about %s', async (_name, named, isTaken) => {
    const { network, makeMcp } = setUp()
    const serverUrl = 'https://api.example/team/mcp'
    network.resource = isSilent
    network.documents.set(`${rootUrl}/team/mcp`, { resource: named, authorization_servers: [issuer] })
    const answer = makeMcp({ serverUrl }).fetch(serverUrl)
    if (isTaken) expect((await answer).status).toBe(200)
    else await expect(answer).rejects.toMatchObject({ code: 'ERR_RESOURCE_METADATA' })
  })

  it.each([
    ['nothing there', { status: 404 }, 'ERR_RESOURCE_METADATA'],
    ['a redirect', { status: 302, headers: { Location: 'https://evil.example' } }, 'ERR_RESOURCE_METADATA'],
    ['a server that fails', { status: 503 }, 'ERR_DISCOVERY_UNAVAILABLE'],
  ])('says what is wrong with the address in the challenge: %s', async (_name, init, code) => {
    const { network, make } = setUp()
    const fetch = make({
      fetch: async (input, given) =>
        String(input) === metadataUrl ? new Response(null, init) : network.fetch(input, given),
    })
    await expect(fetch(resourceUrl)).rejects.toMatchObject({ code })
  })

  it.each([
    ['http', 'http://docs.example/x', 'ERR_RESOURCE_METADATA'],
    ['a private address', 'https://10.0.0.1/x', 'ERR_RESOURCE_METADATA'],
    ['a server that is not there', 'https://gone.example/x', 'ERR_DISCOVERY_UNAVAILABLE'],
  ])('[C-18] asks no address of a challenge that it must not: %s', async (_name, url, code) => {
    const { network, make } = setUp()
    network.resource = () => refusal(`Bearer resource_metadata="${url}"`)
    const fetch = make({
      fetch: (input, init) =>
        String(input) === url ? Promise.reject(new TypeError('fetch failed')) : network.fetch(input, init),
    })
    await expect(fetch(resourceUrl)).rejects.toMatchObject({ code })
  })

  it('says where no metadata is to be found', async () => {
    const { network, make } = setUp()
    network.resource = isSilent
    network.documents.delete(metadataUrl)
    await expect(make({ resource: 'https://api.example/' })('https://api.example/')).rejects.toMatchObject({
      ...{ code: 'ERR_RESOURCE_METADATA', operation: 'discovery' },
    })
  })
})

describe('the authorization server', () => {
  const both = { resource: resourceUrl, authorization_servers: ['http://as.example', other, issuer] }
  const credentials = perIssuer({ [issuer]: clientSecretBasic({ clientId: 'app', clientSecret: 'secret' }) })

  it.each([
    ['the first that can be used', {}, 'other.example-1'],
    ['one that there is a credential for', { credentials }, 'as.example-1'],
    ['the one that the application chooses', { chooseIssuer: () => issuer }, 'as.example-1'],
    ['one that the application allows', { issuers: [issuer] }, 'as.example-1'],
  ])('chooses %s', async (_name, options, token) => {
    const { network, make } = setUp(options)
    network.documents.set(metadataUrl, both)
    await expect((await make()(resourceUrl)).json()).resolves.toEqual({ token })
  })

  it.each([
    ['none that is allowed', { issuers: ['https://third.example'] }, both],
    ['none that was named', { chooseIssuer: () => 'https://third.example' }, both],
    ['none at all', {}, { resource: resourceUrl }],
  ])('[MCP-17] uses %s', async (_name, options, document) => {
    const { network, make } = setUp(options)
    network.documents.set(metadataUrl, document)
    await expect(make()(resourceUrl)).rejects.toMatchObject({ code: 'ERR_RESOURCE_ISSUER', operation: 'discovery' })
  })

  it('lets the application choose among those that can be used, and takes its own choice where it makes none', async () => {
    const offered: (readonly string[])[] = []
    const { network, make } = setUp({ chooseIssuer: (issuers) => void offered.push(issuers) as never })
    network.documents.set(metadataUrl, both)
    await expect((await make()(resourceUrl)).json()).resolves.toEqual({ token: 'other.example-1' })
    expect(offered).toEqual([[other, issuer]])
    await expect((await make({ issuers: [issuer] })(resourceUrl)).json()).resolves.toEqual({ token: 'as.example-2' })
    expect(offered).toHaveLength(1)
  })

  it('[MCP-12] refuses the metadata of another issuer, and servers off the internet', async () => {
    const { network, make } = setUp()
    network.documents.set(discoveryUrl(), serverMetadata(other))
    await expect(make()(resourceUrl)).rejects.toMatchObject({ code: 'ERR_DISCOVERY_ISSUER' })
    network.documents.set(metadataUrl, { resource: resourceUrl, authorization_servers: ['https://10.0.0.1'] })
    const before = network.requests.length
    await expect(make()(resourceUrl)).rejects.toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
    expect(network.requests.slice(before).some(({ url }) => url.startsWith('https://10.0.0.1'))).toBe(false)
  })

  it('[MCP-12] asks a server off the internet only where the application named it itself', async () => {
    const inside = 'https://10.0.0.1'
    const { network, make } = setUp()
    network.documents.set(metadataUrl, { resource: resourceUrl, authorization_servers: [inside] })
    network.documents.set(discoveryUrl(inside), serverMetadata(inside))
    await expect(make()(resourceUrl)).rejects.toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
    await expect(make({ credentials })(resourceUrl)).rejects.toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
    expect((await make({ issuers: [inside] })(resourceUrl)).status).toBe(200)
    const forIt = perIssuer({ [inside]: clientSecretBasic({ clientId: 'app', clientSecret: 'secret' }) })
    expect((await make({ credentials: forIt })(resourceUrl)).status).toBe(200)
  })

  it('lets a server that the resource names have endpoints elsewhere', async () => {
    const { network, make } = setUp()
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { token_endpoint: 'https://login.example/token' }))
    await expect((await make()(resourceUrl)).json()).resolves.toEqual({ token: 'login.example-1' })
  })

  it('[PRM-16] refuses a server that lists its resources, and not this one', async () => {
    const { network, make } = setUp()
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { protected_resources: [resourceUrl] }))
    expect((await make()(resourceUrl)).status).toBe(200)
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { protected_resources: ['https://x.example'] }))
    await expect(make()(resourceUrl)).rejects.toMatchObject({
      ...{ code: 'ERR_RESOURCE_ISSUER', issuer, detail: 'the server does not list the resource' },
    })
  })

  it('asks for 100 scopes at most, whatever the resource demands', async () => {
    const { network, signIn, make } = setUp({ scope: 'own' })
    const wanted = Array.from({ length: 150 }, (_, at) => `s${at}`)
    network.resource = ({ headers }) =>
      headers.has('authorization') ? undefined : refusal(`Bearer scope="${wanted.join(' ')}"`)
    await make()(resourceUrl)
    expect(signIn.asked[0]?.get('scope')?.split(' ')).toEqual(['own', ...wanted.slice(0, 99)])
  })

  it('[MCP-16] asks the user anew for what an earlier process was granted, too', async () => {
    const { network, signIn, make } = setUp({ store: createMemoryTokenStore() })
    network.resource = ({ headers }) => (headers.has('authorization') ? undefined : refusal('Bearer scope="read"'))
    await make()(resourceUrl)
    network.resource = ({ headers }) =>
      headers.get('authorization') === 'Bearer as.example-1'
        ? refusal('Bearer error="insufficient_scope", scope="write"', 403)
        : undefined
    expect((await make()(resourceUrl)).status).toBe(200)
    expect(signIn.asked.map((asked) => asked.get('scope'))).toEqual(['read', 'read write'])
  })

  it.each([
    ['no text for the issuer', (kept: object) => ({ ...kept, issuer: 7 })],
    ['no text for the resource', (kept: object) => ({ ...kept, resource: undefined })],
    ['an issuer that is no URL', (kept: object) => ({ ...kept, issuer: 'as.example' })],
    ['nothing', () => undefined],
  ])('signs in anew where the store says of its server %s', async (_name, change) => {
    const store = createMemoryTokenStore()
    const { signIn, make } = setUp({ store })
    await make()(resourceUrl)
    for await (const key of store.keys()) {
      const entry = await store.get(key)
      const kept = JSON.parse(entry?.tokens ?? '')
      if (entry === undefined || !('assumed' in kept || kept.resource === resourceUrl)) continue
      await store.set(key, { ...entry, tokens: JSON.stringify(change(kept) ?? 'damaged') })
    }
    expect((await make()(resourceUrl)).status).toBe(200)
    expect(signIn.asked).toHaveLength(2)
  })

  it('[MCP-15] [C-22] MCP: wants PKCE of the server where a way to sign in does not say which grants it uses', async () => {
    const { network, signIn, makeMcp } = setUp()
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { code_challenge_methods_supported: undefined }))
    const { grant_types: _grants, ...metadata } = signIn.metadata
    await expect(makeMcp({ signIn: { ...signIn, metadata } }).fetch(resourceUrl)).rejects.toMatchObject({
      ...{ code: 'ERR_PKCE_UNSUPPORTED', operation: 'authorizationRequest', issuer },
    })
  })

  it('[MCP-18] asks for offline_access where a user signs in to an MCP server, and nowhere else', async () => {
    const { network, signIn, make, makeMcp } = setUp()
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { scopes_supported: ['offline_access'] }))
    await make()(resourceUrl)
    expect(signIn.asked[0]?.get('scope')).toBeNull()
    const asked: (readonly string[])[] = []
    const machine: SignIn = {
      metadata: { grant_types: ['client_credentials'] },
      getTokens: (request) => {
        asked.push(request.scope)
        return signIn.getTokens(request)
      },
    }
    await makeMcp({ signIn: machine }).fetch(resourceUrl)
    expect(asked).toEqual([[]])
  })

  it('[MCP-15] [C-22] MCP: goes on only where the server says that it supports PKCE with S256', async () => {
    const { network, signIn, makeMcp } = setUp()
    for (const methods of [undefined, ['plain'], 'S256']) {
      network.documents.set(discoveryUrl(), serverMetadata(issuer, { code_challenge_methods_supported: methods }))
      await expect(makeMcp().fetch(resourceUrl)).rejects.toMatchObject({ code: 'ERR_PKCE_UNSUPPORTED' })
    }
    expect(signIn.asked).toHaveLength(0)
  })

  it('[MCP-16] [S3-29] MCP: asks for all scopes that the resource has where the challenge names none', async () => {
    const { network, signIn, makeMcp } = setUp()
    network.documents.set(metadataUrl, {
      ...{ resource: resourceUrl, authorization_servers: [issuer], scopes_supported: ['a', 'b'] },
    })
    await makeMcp().fetch(resourceUrl)
    expect(signIn.asked[0]?.get('scope')).toBe('a b')
  })

  it('[MCP-16] [S3-29] MCP: asks for the scope of the challenge alone where there is one', async () => {
    const { network, signIn, makeMcp } = setUp()
    const scopes = { scopes_supported: ['a', 'b', 'c'] }
    network.documents.set(metadataUrl, { resource: resourceUrl, authorization_servers: [issuer], ...scopes })
    network.resource = ({ headers }) => (headers.has('authorization') ? undefined : refusal('Bearer scope="a b"'))
    const steps: string[] = []
    const onStep = ({ step, found }: { step: string; found: string }) => void steps.push(`${step}: ${found}`)
    await makeMcp({ onStep }).fetch(resourceUrl)
    expect([signIn.asked[0]?.get('scope'), signIn.asked[0]?.has('acr_values')]).toEqual(['a b', false])
    expect(steps.slice(-2)).toEqual(['sign_in: a b', 'token: Bearer for a b'])
  })

  it('keeps what it needs again under names that stay, and looks for it once', async () => {
    const memory = createMemoryTokenStore()
    const read: string[] = []
    const store = {
      ...memory,
      get: (key: string) => {
        read.push(key.split(':')[0] as string)
        return memory.get(key)
      },
    }
    const { network, make } = setUp({ store })
    const fetch = make()
    await fetch(resourceUrl)
    const keys: string[] = []
    for await (const key of memory.keys()) keys.push(key.replace(/:[\w-]{43}$/, ':…'))
    expect(keys.sort()).toEqual(['client:…', 'resource-tokens:…', 'resource:…'])
    read.length = 0
    await fetch(resourceUrl)
    expect(read).not.toContain('resource')
    network.issued.clear()
    network.refuses = ({ form }) => form.get('grant_type') === 'refresh_token'
    expect((await fetch(resourceUrl)).status).toBe(200)
    expect(network.at(discoveryUrl())).toHaveLength(1)
  })

  it('signs in anew in the next process after a user signed out', async () => {
    const { signIn, make } = setUp({ store: createMemoryTokenStore() })
    const fetch = make()
    await fetch(resourceUrl)
    await fetch.signOut()
    expect((await make()(resourceUrl)).status).toBe(200)
    expect(signIn.asked).toHaveLength(2)
  })

  it('[MCP-18] MCP: adds offline_access where the server lists it, and lives without a refresh token', async () => {
    const { network, signIn, makeMcp } = setUp()
    network.tokenAnswer = { refresh_token: undefined }
    await makeMcp().fetch(resourceUrl)
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { scopes_supported: ['offline_access'] }))
    const provider = makeMcp()
    await provider.fetch(resourceUrl)
    expect(signIn.asked.map((asked) => asked.get('scope'))).toEqual([null, 'offline_access'])
    network.issued.clear()
    expect((await provider.fetch(resourceUrl)).status).toBe(200)
    expect(signIn.asked).toHaveLength(3)
  })

  it('[MCP-17] [DCR-07] keeps tokens and registrations of one server from another', async () => {
    const { network, make } = setUp({ store: createMemoryTokenStore() })
    await make()(resourceUrl)
    network.documents.set(metadataUrl, { resource: resourceUrl, authorization_servers: [other] })
    network.issued.clear()
    network.documents.set(discoveryUrl(), undefined)
    const fetch = make({ issuers: [other] })
    await expect((await fetch(resourceUrl)).json()).resolves.toEqual({ token: 'other.example-2' })
    const sent = network.requests.filter(({ url }) => url.startsWith(other)).map(({ body }) => body)
    expect(sent.join()).not.toMatch(/as\.example|client-1/)
    expect(network.at(`${other}/register`)).toHaveLength(1)
  })
})

describe('a server of the revision 2025-03-26 of MCP, which knows no metadata of resources', () => {
  const origin = 'https://api.example'

  function setUpOld(document?: object, options: Partial<ProtectedFetchOptions> = {}) {
    const all = setUp({ store: createMemoryTokenStore(), ...options })
    all.network.resource = isSilent
    all.network.documents.set(metadataUrl, undefined)
    if (document !== undefined) all.network.documents.set(discoveryUrl(origin), { ...document })
    return all
  }

  it('takes the origin for the authorization server, and its metadata at the root', async () => {
    const { network, signIn, makeMcp } = setUpOld(serverMetadata(origin))
    expect((await makeMcp().fetch(resourceUrl)).status).toBe(200)
    expect(network.at(`${origin}/token`)).toHaveLength(1)
    expect(signIn.asked[0]?.get('resource')).toBe(resourceUrl)
    for (const { headers } of network.at(discoveryUrl(origin))) {
      expect(headers.get('mcp-protocol-version')).toBe('2025-03-26')
    }
    expect(network.requests.some(({ url }) => url.includes('openid-configuration'))).toBe(false)
  })

  it('takes the issuer that this metadata names, of the same origin, in the next process too', async () => {
    let nowMs = 1_800_000_000_000
    const { network, signIn, makeMcp } = setUpOld(undefined, { clock: () => nowMs })
    network.documents.set(
      discoveryUrl(origin),
      serverMetadata(`${origin}/oauth`, { token_endpoint: `${origin}/token?v=2` }),
    )
    network.documents.set(discoveryUrl(origin), {
      ...network.documents.get(discoveryUrl(origin)),
      registration_endpoint: `${origin}/register`,
    })
    expect((await makeMcp().fetch(resourceUrl)).status).toBe(200)
    nowMs += 3_700_000
    expect((await makeMcp().fetch(resourceUrl)).status).toBe(200)
    expect(network.at(`${origin}/token?v=2`).map(({ form }) => form.get('grant_type'))).toEqual([
      'authorization_code',
      'refresh_token',
    ])
    expect(signIn.asked).toHaveLength(1)
  })

  it('takes the paths that the revision lays down where there is no metadata, in the next process too', async () => {
    let nowMs = 1_800_000_000_000
    const { network, signIn, makeMcp } = setUpOld(undefined, { clock: () => nowMs })
    expect((await makeMcp().fetch(resourceUrl)).status).toBe(200)
    expect(network.at(`${origin}/register`)).toHaveLength(1)
    expect(network.at(`${origin}/token`)).toHaveLength(1)
    expect(signIn.asked[0]?.get('code_challenge_method')).toBe('S256')
    nowMs += 3_700_000
    const before = network.requests.length
    expect((await makeMcp().fetch(resourceUrl)).status).toBe(200)
    expect(network.requests.slice(before).map(({ path }) => path)).toEqual(['/token', '/mcp'])
  })

  it('tells what it takes for what', async () => {
    const steps: string[] = []
    const { makeMcp } = setUpOld(serverMetadata(origin))
    const onStep = ({ step, found }: { step: string; found: string }) => void steps.push(`${step}: ${found}`)
    await makeMcp({ onStep }).fetch(resourceUrl)
    expect(steps.slice(1, 3)).toEqual([
      'resource_metadata: none: the origin is taken for the authorization server (MCP 2025-03-26)',
      `authorization_server: ${origin}`,
    ])
  })

  it('[MCP-15] [C-22] goes on only where metadata that is there says that it supports PKCE with S256', async () => {
    const { makeMcp } = setUpOld(serverMetadata(origin, { code_challenge_methods_supported: undefined }))
    await expect(makeMcp().fetch(resourceUrl)).rejects.toMatchObject({ code: 'ERR_PKCE_UNSUPPORTED' })
  })

  it.each(['authorization_endpoint', 'token_endpoint', 'registration_endpoint', 'revocation_endpoint', 'jwks_uri'])(
    '[MCP-17] refuses metadata whose %s is of another origin',
    async (member) => {
      const { signIn, makeMcp } = setUpOld(serverMetadata(origin, { [member]: 'https://evil.example/x' }))
      await expect(makeMcp().fetch(resourceUrl)).rejects.toMatchObject({
        ...{ code: 'ERR_RESOURCE_ISSUER', issuer: origin, detail: 'an endpoint has another origin' },
      })
      expect(signIn.asked).toHaveLength(0)
    },
  )

  it('takes metadata that names other origins for what is no endpoint', async () => {
    const elsewhere = 'https://docs.example/x'
    const members = { service_documentation: elsewhere, op_policy_uri: elsewhere, x_jwks_uri: elsewhere }
    const { makeMcp } = setUpOld(
      serverMetadata(origin, { ...members, odd_endpoint: [elsewhere], token_endpoint_about: elsewhere }),
    )
    expect((await makeMcp().fetch(resourceUrl)).status).toBe(200)
  })

  it('[MCP-17] refuses metadata of another issuer, and an origin that the application does not allow', async () => {
    const { network, makeMcp } = setUpOld(serverMetadata(other))
    await expect(makeMcp().fetch(resourceUrl)).rejects.toMatchObject({ code: 'ERR_RESOURCE_ISSUER' })
    network.documents.set(discoveryUrl(origin), serverMetadata(origin, { issuer: undefined }))
    await expect(makeMcp().fetch(resourceUrl)).rejects.toMatchObject({ code: 'ERR_RESOURCE_ISSUER' })
    network.documents.set(discoveryUrl(origin), serverMetadata(origin))
    await expect(makeMcp({ issuers: [issuer] }).fetch(resourceUrl)).rejects.toMatchObject({
      code: 'ERR_RESOURCE_ISSUER',
    })
    expect(network.at(`${origin}/register`)).toHaveLength(0)
  })

  it('[MCP-12] takes no origin for a server where the challenge names metadata, or where its server fails', async () => {
    const { network, makeMcp } = setUpOld(serverMetadata(origin))
    network.resource = () => refusal(`Bearer resource_metadata="${metadataUrl}"`)
    await expect(makeMcp().fetch(resourceUrl)).rejects.toMatchObject({ code: 'ERR_RESOURCE_METADATA' })
    network.resource = isSilent
    const failing = makeMcp({
      fetch: (input: string, init: RequestInit) =>
        String(input) === metadataUrl
          ? Promise.resolve(new Response(null, { status: 503 }))
          : network.fetch(input, init),
    })
    await expect(failing.fetch(resourceUrl)).rejects.toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
    expect(network.at(discoveryUrl(origin))).toHaveLength(0)
  })

  it('[MCP-12] does so for no other resource than an MCP server', async () => {
    const { network, make } = setUpOld(serverMetadata(origin))
    await expect(make()(resourceUrl)).rejects.toMatchObject({ code: 'ERR_RESOURCE_METADATA' })
    expect(network.at(discoveryUrl(origin))).toHaveLength(0)
  })
})

describe('bound tokens', () => {
  const dpop = { dpop_signing_alg_values_supported: ['ES256'] }
  const takes = { resource: resourceUrl, authorization_servers: [issuer], ...dpop }

  it.each([
    ['binds where both sides know DPoP', takes, dpop, {}, 'DPoP'],
    ['does not where the server does not', takes, {}, {}, 'Bearer'],
    [
      'does not where the resource does not',
      { resource: resourceUrl, authorization_servers: [issuer] },
      dpop,
      {},
      'Bearer',
    ],
    ['does not where the application will not', takes, dpop, { dpop: false }, 'Bearer'],
    ['binds where the resource demands it', { ...takes, dpop_bound_access_tokens_required: true }, {}, {}, 'DPoP'],
  ] as const)('%s', async (_name, document, server, options, scheme) => {
    const { network, make } = setUp(options)
    network.documents.set(metadataUrl, document)
    network.documents.set(discoveryUrl(), serverMetadata(issuer, server))
    await make()(resourceUrl)
    const last = network.at(resourceUrl).at(-1)
    expect(last?.headers.get('authorization')).toBe(`${scheme} as.example-1`)
    expect(last?.headers.has('dpop')).toBe(scheme === 'DPoP')
  })

  it('binds no tokens that outlive their key, but where the resource demands it', async () => {
    const memory = createMemoryTokenStore()
    const store = { ...memory, describe: () => ({ ...memory.describe(), persistent: true }) }
    const { network, make } = setUp({ store, lock: createMemoryLockStore() })
    network.documents.set(discoveryUrl(), serverMetadata(issuer, dpop))
    const schemeFor = async (document: object, user: string, options: Partial<ProtectedFetchOptions> = {}) => {
      network.documents.set(metadataUrl, { ...document })
      await make({ user, ...options })(resourceUrl)
      return network.at(resourceUrl).at(-1)?.headers.get('authorization')?.split(' ')[0]
    }
    expect(await schemeFor(takes, 'a')).toBe('Bearer')
    expect(await schemeFor({ ...takes, dpop_bound_access_tokens_required: true }, 'b')).toBe('DPoP')
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
    expect(await schemeFor(takes, 'c', { dpop: pair })).toBe('DPoP')
  })

  it('binds where the challenge is one for DPoP, and takes tokens up again only with their key', async () => {
    let nowMs = 1_800_000_000_000
    const { network, signIn, make } = setUp({
      store: createMemoryTokenStore({ clock: () => nowMs }),
      clock: () => nowMs,
    })
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
    network.documents.set(discoveryUrl(), serverMetadata(issuer, dpop))
    network.resource = ({ headers }) =>
      headers.has('authorization') ? undefined : refusal(`DPoP resource_metadata="${metadataUrl}"`)
    await make({ dpop: pair })(resourceUrl)
    await make({ dpop: pair })(resourceUrl)
    expect(network.at(resourceUrl).at(-1)?.headers.get('authorization')).toBe('DPoP as.example-1')
    await make()(resourceUrl)
    expect(signIn.asked).toHaveLength(2)
    network.tokenAnswer = {}
    await make({ dpop: false, user: 'b' })(resourceUrl)
    const before = signIn.asked.length
    await make({ dpop: pair, user: 'b' })(resourceUrl)
    expect(signIn.asked).toHaveLength(before)
    nowMs += 3_700_000
    await make({ dpop: pair, user: 'b' })(resourceUrl)
    await make({ dpop: pair })(resourceUrl)
    expect(signIn.asked).toHaveLength(before)
    const refreshes = network.at(`${issuer}/token`).filter(({ form }) => form.get('grant_type') === 'refresh_token')
    expect(refreshes.map(({ headers }) => headers.has('dpop'))).toEqual([false, true])
  })
})

function withDocument(fetch: typeof globalThis.fetch, at: string, document: object | undefined): typeof fetch {
  return async (input, init) => (String(input) === at ? Response.json(document) : fetch(input, init))
}
