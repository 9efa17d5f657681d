import { calculateJwkThumbprint, exportJWK, UnsecuredJWT } from 'jose'
import { clientSecretBasic, createOAuthClient, perIssuer, privateKeyJwt, tokenSetFromResponse } from 'portcullis/client'
import {
  clientCredentialsSignIn,
  createMcpAuthProvider,
  enterpriseSignIn,
  exchangeSignIn,
  type McpAuthProviderOptions,
  type SignIn,
  tokensSignIn,
} from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import {
  discoveryUrl,
  issuer,
  metadataUrl,
  resourceUrl,
  serverMetadata,
  simulateNetwork,
} from '../../../support/protected-resource.js'

const idp = 'https://idp.example'

function setUp(
  signIn: SignIn,
  credential = clientSecretBasic({ clientId: 'app', clientSecret: 'secret' }),
  options: Partial<McpAuthProviderOptions> = {},
) {
  const network = simulateNetwork()
  const provider = createMcpAuthProvider({
    ...{ serverUrl: resourceUrl, signIn, credentials: perIssuer({ [issuer]: credential }) },
    ...{ fetch: network.fetch, clock: () => 1_800_000_000_000, ...options },
  })
  return { network, provider, forms: () => network.at(`${issuer}/token`).map(({ form }) => form) }
}

describe('clientCredentialsSignIn', () => {
  it('[MCP-21] signs in as the client itself, by private_key_jwt, without PKCE in the metadata', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const keys = [{ key: pair.privateKey }]
    const { network, provider, forms } = setUp(clientCredentialsSignIn(), privateKeyJwt({ clientId: 'app', keys }))
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { code_challenge_methods_supported: undefined }))
    expect((await provider.fetch(resourceUrl)).status).toBe(200)
    expect(forms()[0]?.get('grant_type')).toBe('client_credentials')
    expect(forms()[0]?.get('resource')).toBe(resourceUrl)
    expect(forms()[0]?.has('client_assertion')).toBe(true)
  })

  it('asks for another token where the one that it has is refused', async () => {
    const { network, provider, forms } = setUp(clientCredentialsSignIn())
    network.tokenAnswer = { refresh_token: undefined }
    await provider.fetch(resourceUrl)
    network.issued.clear()
    await expect((await provider.fetch(resourceUrl)).json()).resolves.toEqual({ token: 'as.example-2' })
    expect(forms()).toHaveLength(2)
  })
})

describe('every way to sign in', () => {
  const source = { getToken: () => Promise.reject(new Error('none')) }
  const identityProvider = { exchangeToken: () => Promise.reject(new Error('none')) }
  const subjectToken = () => 'token'

  it.each([
    ['clientCredentialsSignIn', clientCredentialsSignIn(), ['client_credentials']],
    [
      'exchangeSignIn',
      exchangeSignIn({ subject: () => ({ token: 'token' }) }),
      ['urn:ietf:params:oauth:grant-type:token-exchange'],
    ],
    [
      'enterpriseSignIn',
      enterpriseSignIn({ identityProvider, subjectToken }),
      ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
    ],
    ['tokensSignIn', tokensSignIn({ issuer, source }), undefined],
  ])('registers for the grants that it uses, and where it uses none not at all: %s', async (_name, signIn, grants) => {
    const network = simulateNetwork()
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { code_challenge_methods_supported: undefined }))
    const provider = createMcpAuthProvider({ serverUrl: resourceUrl, signIn, fetch: network.fetch })
    await provider.fetch(resourceUrl).catch(() => undefined)
    const registered = network.at(`${issuer}/register`).map(({ body }) => JSON.parse(body).grant_types)
    expect(registered).toEqual(grants === undefined ? [] : [grants])
  })

  it('hands on the signal that ends it', async () => {
    const { signal } = new AbortController()
    const given: unknown[] = []
    const note = async (options: { readonly signal?: AbortSignal } | undefined) => {
      given.push(options?.signal)
      return tokenSetFromResponse({ access_token: idJag, token_type: 'N_A' })
    }
    const client = {
      ...{ clientId: 'app', clientCredentials: (_: unknown, options: object) => note(options) },
      ...{ exchangeToken: (_: unknown, options: object) => note(options) },
      jwtBearer: (_: unknown, options: object) => note(options),
    }
    const request = { client, provider: {}, issuer, resource: resourceUrl, scope: [], signal } as never
    const ways = [
      clientCredentialsSignIn(),
      exchangeSignIn({ subject: () => ({ token: 'token' }) }),
      enterpriseSignIn({ identityProvider: client as never, subjectToken }),
    ]
    for (const way of ways) await way.getTokens(request)
    const theirs = tokensSignIn({ issuer, source: { getToken: note } })
    await expect(theirs.getTokens(request)).rejects.toMatchObject({ code: 'ERR_TOKEN_TYPE_UNUSABLE', issuer })
    expect(given).toEqual([signal, signal, signal, signal, signal])
  })

  it('says which of its options it does not know', () => {
    const wrong = { subject: subjectToken, subjectToken, identityProvider, issuer, source, more: 1 } as never
    expect(() => exchangeSignIn(wrong)).toThrow('exchangeSignIn has no option')
    expect(() => enterpriseSignIn(wrong)).toThrow('enterpriseSignIn has no option')
    expect(() => tokensSignIn(wrong)).toThrow('tokensSignIn has no option')
  })
})

function assertion(claims: object = {}, typ = 'oauth-id-jag+jwt'): string {
  const payload = { iss: idp, sub: 'user', aud: issuer, client_id: 'app', jti: '1', iat: 1, exp: 2e9, ...claims }
  const [, body] = new UnsecuredJWT(payload).encode().split('.')
  return `${Buffer.from(JSON.stringify({ alg: 'ES256', typ })).toString('base64url')}.${body}.c2ln`
}

const idJag = assertion()

describe('exchangeSignIn', () => {
  it('exchanges the token of the subject for one of the resource, with who acts for it', async () => {
    const actor = { token: 'agent-token', type: 'urn:ietf:params:oauth:token-type:access_token' }
    const { network, provider, forms } = setUp(exchangeSignIn({ subject: () => ({ token: 'user-token', actor }) }))
    network.tokenAnswer = { issued_token_type: actor.type }
    expect((await provider.fetch(resourceUrl)).status).toBe(200)
    expect(Object.fromEntries(forms()[0] ?? [])).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      ...{ subject_token: 'user-token', actor_token: 'agent-token', resource: resourceUrl },
    })
    expect(() => exchangeSignIn({} as never)).toThrowError(/subject/)
  })
})

describe('enterpriseSignIn', () => {
  function setUpEnterprise(issued: object, options: Partial<McpAuthProviderOptions> = {}) {
    const asked: URLSearchParams[] = []
    const identityProvider = createOAuthClient({
      ...{ issuer: idp, discovery: false, endpoints: { token: `${idp}/token` } },
      credential: clientSecretBasic({ clientId: 'idp-client', clientSecret: 'idp-secret' }),
      async fetch(_url, init) {
        asked.push(new URLSearchParams(String(init.body)))
        return Response.json(issued)
      },
    })
    return {
      asked,
      ...setUp(enterpriseSignIn({ identityProvider, subjectToken: () => 'id-token' }), undefined, options),
    }
  }

  const type = 'urn:ietf:params:oauth:token-type:id-jag'
  const answer = (token: string) => ({ access_token: token, issued_token_type: type, token_type: 'N_A' })

  it('[MCP-21] [IDJ-01] [IDJ-02] [IDJ-03] gets an ID-JAG for the server of the resource, and redeems it there', async () => {
    const { asked, network, provider, forms } = setUpEnterprise(answer(assertion()))
    network.tokenAnswer = { refresh_token: undefined }
    expect((await provider.fetch(resourceUrl)).status).toBe(200)
    expect(Object.fromEntries(asked[0] ?? [])).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      ...{ requested_token_type: type, audience: issuer, resource: resourceUrl, subject_token: 'id-token' },
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    })
    expect(Object.fromEntries(forms()[0] ?? [])).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: assertion(),
    })
    expect(network.at(`${issuer}/token`)[0]?.headers.get('authorization')).toMatch(/^Basic /)
  })

  it.each([
    ['[IDJ-02] of another type', { ...answer(assertion()), issued_token_type: 'urn:x' }, undefined],
    [
      '[IDJ-02] that is an access token',
      { ...answer(assertion()), token_type: 'Bearer' },
      'the token type of an ID-JAG is N_A',
    ],
    ['[IDJ-04] with another typ', answer(assertion({}, 'JWT')), 'no ID-JAG'],
    ['[IDJ-04] that is no JWT', answer('opaque'), 'no ID-JAG'],
    ['[IDJ-04] for another client', answer(assertion({ client_id: 'other' })), 'for another client'],
    ['[IDJ-07] for another server', answer(assertion({ aud: 'https://other.example' })), 'for another server'],
    [
      '[IDJ-07] for several servers',
      answer(assertion({ aud: [issuer, 'https://other.example'] })),
      'for another server',
    ],
    ['[IDJ-06] bound to another key', answer(assertion({ cnf: { jkt: 'other' } })), 'bound to another key'],
  ])('%s: sends no such assertion', async (_name, issued, detail) => {
    const { provider, forms } = setUpEnterprise(issued)
    const operation = 'exchangeToken'
    await expect(provider.fetch(resourceUrl)).rejects.toMatchObject({
      code: 'ERR_ISSUED_TOKEN_TYPE',
      ...(detail === undefined ? {} : { operation, issuer, detail }),
    })
    expect(forms()).toHaveLength(0)
  })

  it('[IDJ-06] takes an assertion that is bound to its own key, and one that is bound to none', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const jkt = await calculateJwkThumbprint(await exportJWK(pair.publicKey))
    const dpop = { dpop_signing_alg_values_supported: ['ES256'] }
    for (const claims of [{ cnf: { jkt } }, {}]) {
      const { network, provider, forms } = setUpEnterprise(answer(assertion(claims)), { dpop: pair })
      network.documents.set(metadataUrl, { resource: resourceUrl, authorization_servers: [issuer], ...dpop })
      network.documents.set(discoveryUrl(), serverMetadata(issuer, dpop))
      network.tokenAnswer = { refresh_token: undefined }
      expect((await provider.fetch(resourceUrl)).status).toBe(200)
      expect(forms()).toHaveLength(1)
    }
  })

  it('[IDJ-04] [IDJ-05] takes an audience that is a list of one, and asks for another ID-JAG when the token is over', async () => {
    const { asked, network, provider } = setUpEnterprise(answer(assertion({ aud: [issuer] })))
    network.tokenAnswer = { refresh_token: undefined }
    await provider.fetch(resourceUrl)
    network.issued.clear()
    expect((await provider.fetch(resourceUrl)).status).toBe(200)
    expect(asked).toHaveLength(2)
    expect(() => enterpriseSignIn({} as never)).toThrowError(/identityProvider/)
  })
})

describe('tokensSignIn', () => {
  const tokens = (token: string, type = 'Bearer') =>
    tokenSetFromResponse({ access_token: token, token_type: type, expires_in: 315_360_000, refresh_token: 'theirs' })

  function setUpTokens(of: string, type?: string) {
    const given: unknown[] = []
    const source = {
      async getToken(options?: { readonly rejected?: unknown }) {
        given.push(options?.rejected)
        return tokens(`theirs-${given.length}`, type)
      },
    }
    return { given, ...setUp(tokensSignIn({ issuer: of, source })) }
  }

  it('[MCP-17] sends the tokens of a login to resources of its issuer, and leaves renewing them to their owner', async () => {
    const { given, network, provider, forms } = setUpTokens(issuer)
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { code_challenge_methods_supported: undefined }))
    network.resource = ({ headers }) => (headers.has('authorization') ? Response.json('ok') : undefined)
    expect((await provider.fetch(resourceUrl)).status).toBe(200)
    expect(network.at(resourceUrl).at(-1)?.headers.get('authorization')).toBe('Bearer theirs-1')
    await expect(provider.token()).resolves.toMatchObject({ refreshToken: undefined })
    network.resource = ({ headers }) => {
      return headers.get('authorization') === 'Bearer theirs-2' ? Response.json('ok') : undefined
    }
    expect((await provider.fetch(resourceUrl)).status).toBe(200)
    expect(given).toEqual([undefined, expect.objectContaining({ accessToken: 'theirs-1' })])
    expect(forms()).toHaveLength(0)
    expect(network.at(`${issuer}/register`)).toHaveLength(0)
  })

  it('[MCP-17] gives them to no other server, and none that is bound to a key of theirs', async () => {
    await expect(setUpTokens('https://other.example').provider.fetch(resourceUrl)).rejects.toMatchObject({
      ...{ code: 'ERR_CREDENTIAL_ISSUER', issuer },
    })
    await expect(setUpTokens(issuer, 'DPoP').provider.fetch(resourceUrl)).rejects.toMatchObject({
      code: 'ERR_TOKEN_TYPE_UNUSABLE',
    })
    expect(() => tokensSignIn({ issuer } as never)).toThrowError(/source/)
  })
})
