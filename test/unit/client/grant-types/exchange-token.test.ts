import {
  bearerAuthorization,
  GrantTypes,
  publicClient,
  TokenExchangeError,
  type TokenExchangeParams,
  TokenTypes,
} from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../../support/client-set-up.js'
import { refusal, tokens } from '../../../support/fake-token-endpoint.js'

const exchanged = (members: Record<string, unknown> = {}) =>
  tokens({ access_token: 'exchanged-token', issued_token_type: TokenTypes.accessToken, ...members })

describe('token exchange', () => {
  it('[TX-01] [TX-02] [TX-13] [RI-01] [S0-38] [S0-42] [S0-43] [S0-39] [S0-40] [S0-41] [S0-44] posts the grant with repeated resource and audience', async () => {
    const { server, client } = setUpClient()
    server.script('/token', exchanged())
    await client.exchangeToken({
      subjectToken: 'subject-token',
      resource: ['https://one.example/', 'https://two.example/a'],
      audience: ['one', 'two'],
      scope: 'read write',
      requestedTokenType: TokenTypes.accessToken,
      parameters: { tenant: 'x' },
    })
    const [request] = server.at('/token')
    expect([...(request?.form ?? [])].sort()).toEqual(
      [
        ['audience', 'one'],
        ['audience', 'two'],
        ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        ['requested_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
        ['resource', 'https://one.example/'],
        ['resource', 'https://two.example/a'],
        ['scope', 'read write'],
        ['subject_token', 'subject-token'],
        ['subject_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
        ['tenant', 'x'],
      ].sort(),
    )
    expect(request?.method).toBe('POST')
    expect(request?.headers['authorization']).toMatch(/^Basic /)
  })

  it('[TX-03] [S0-45] [S0-46] [S0-48] sends actor token and type together, and the type of the subject token as given', async () => {
    const { server, client } = setUpClient()
    server.script('/token', exchanged())
    const actor = { token: 'actor-token', type: TokenTypes.jwt }
    await client.exchangeToken({ subjectToken: 'subject-token', subjectTokenType: TokenTypes.idToken, actor })
    const form = server.at('/token')[0]?.form
    expect(form?.get('actor_token')).toBe('actor-token')
    expect(form?.get('actor_token_type')).toBe(TokenTypes.jwt)
    expect(form?.get('subject_token_type')).toBe(TokenTypes.idToken)
  })

  it('[TX-04] [S0-51] [S0-52] knows the registered types of tokens and grants', () => {
    const prefix = 'urn:ietf:params:oauth:token-type:'
    const names = ['access_token', 'refresh_token', 'id_token', 'saml1', 'saml2', 'jwt', 'id-jag', 'txn_token']
    expect(Object.values(TokenTypes)).toEqual(names.map((name) => `${prefix}${name}`))
    const urn = 'urn:ietf:params:oauth:grant-type:'
    const plain = ['authorization_code', 'refresh_token', 'client_credentials']
    expect(Object.values(GrantTypes)).toEqual([
      ...plain,
      `${urn}token-exchange`,
      `${urn}jwt-bearer`,
      `${urn}device_code`,
    ])
  })

  it.each<[string, Partial<TokenExchangeParams>]>([
    ['an absent subject token', { subjectToken: '' }],
    ['a subject token with its scheme', { subjectToken: 'Bearer abc' }],
    ['an actor token without type', { actor: { token: 'a', type: '' } }],
    ['an actor type without token', { actor: { token: '', type: TokenTypes.jwt } }],
    ['a resource with a fragment', { resource: 'https://api.example/#x' }],
    ['a resource that is no absolute URI', { resource: '/api' }],
    ['a reserved parameter', { parameters: { client_secret: 'x' } }],
  ])('[TX-03] [RI-01] [D23] refuses %s before anything is sent', async (_name, params) => {
    const { server, client } = setUpClient()
    const call = client.exchangeToken({ subjectToken: 'subject-token', ...params })
    await expect(call).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT', operation: 'exchangeToken' })
    expect(server.requests).toHaveLength(0)
  })

  it('[TX-13] refuses a public client', async () => {
    const { client } = setUpClient({ credential: publicClient({ clientId: 'app' }) })
    await expect(client.exchangeToken({ subjectToken: 'subject-token' })).rejects.toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining('give the client a credential') },
    })
  })

  it('[TX-05] [TX-06] [D23] refuses an answer without issued_token_type, or of another type than was asked for', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/token',
      tokens(),
      exchanged({ issued_token_type: TokenTypes.idToken }),
      exchanged({ issued_token_type: 7 }),
      exchanged({ issued_token_type: '' }),
    )
    const subjectToken = 'subject-token'
    await expect(client.exchangeToken({ subjectToken })).rejects.toMatchObject({ code: 'ERR_ISSUED_TOKEN_TYPE' })
    const other = client.exchangeToken({ subjectToken, requestedTokenType: TokenTypes.accessToken })
    await expect(other).rejects.toMatchObject({ code: 'ERR_ISSUED_TOKEN_TYPE', operation: 'exchangeToken' })
    await expect(client.exchangeToken({ subjectToken })).rejects.toMatchObject({ code: 'ERR_ISSUED_TOKEN_TYPE' })
    await expect(client.exchangeToken({ subjectToken })).rejects.toMatchObject({ code: 'ERR_ISSUED_TOKEN_TYPE' })
  })

  it.each([
    ['an ID-JAG as N_A', TokenTypes.idJag, 'N_A', undefined],
    ['an ID-JAG as Bearer', TokenTypes.idJag, 'Bearer', 'ERR_DPOP_NOT_BOUND'],
    ['an access token as N_A', TokenTypes.accessToken, 'N_A', 'ERR_DPOP_NOT_BOUND'],
    ['an access token as Bearer', TokenTypes.accessToken, 'Bearer', 'ERR_DPOP_NOT_BOUND'],
    ['nothing in particular, and gets N_A', undefined, 'N_A', 'ERR_DPOP_NOT_BOUND'],
  ])('[DPOP-02] [TX-06] with a key, asks for %s', async (_name, requestedTokenType, token_type, code) => {
    const { server, client } = setUpClient({ dpop: true })
    server.script('/token', exchanged({ token_type, issued_token_type: requestedTokenType ?? TokenTypes.accessToken }))
    const [outcome] = await Promise.allSettled([client.exchangeToken({ subjectToken: 't', requestedTokenType })])
    expect(outcome?.status === 'rejected' ? outcome.reason.code : undefined).toBe(code)
    expect(server.at('/token')[0]?.form.get('requested_token_type')).toBe(requestedTokenType ?? null)
  })

  it('[RI-01] sends each scope once, and no empty one', async () => {
    const { server, client } = setUpClient()
    server.script('/token', exchanged({}))
    for (const scope of [['read', '', 'read write'], ' read  write ', [''], []]) {
      await client.exchangeToken({ subjectToken: 't', scope })
    }
    const sent = server.at('/token').map(({ form }) => form.get('scope'))
    expect(sent).toEqual(['read write', 'read write', null, null])
  })

  it('[TX-06] takes an N_A token and never lets it become a bearer token', async () => {
    const { server, client } = setUpClient()
    server.script('/token', exchanged({ token_type: 'N_A', issued_token_type: TokenTypes.idJag }))
    const token = await client.exchangeToken({ subjectToken: 'subject-token', requestedTokenType: TokenTypes.idJag })
    expect(token).toMatchObject({ tokenType: 'N_A', issuedTokenType: TokenTypes.idJag })
    expect(() => bearerAuthorization(token)).toThrowError(expect.objectContaining({ code: 'ERR_TOKEN_TYPE_UNUSABLE' }))
  })

  it('[TXN-03] asks for a transaction token, and takes it as N_A alone', async () => {
    const { server, client } = setUpClient()
    const requestedTokenType = 'urn:ietf:params:oauth:token-type:txn_token'
    const issued = { access_token: 'transaction-token', issued_token_type: requestedTokenType }
    server.script('/token', exchanged({ ...issued, token_type: 'N_A' }), exchanged({ ...issued, token_type: 'mac' }))
    const params = {
      subjectToken: 'subject-token',
      audience: 'https://domain.example',
      scope: 'trade',
      requestedTokenType,
    }
    const token = await client.exchangeToken(params)
    expect(token).toMatchObject({ tokenType: 'N_A', issuedTokenType: requestedTokenType, refreshToken: undefined })
    expect(Object.fromEntries(server.at('/token')[0]?.form ?? [])).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: 'https://domain.example',
      scope: 'trade',
      requested_token_type: requestedTokenType,
    })
    await expect(client.exchangeToken(params)).rejects.toMatchObject({ code: 'ERR_TOKEN_TYPE_UNUSABLE' })
  })

  it('[BEAR-14] compares token_type without regard to case and refuses an unknown one', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/token',
      exchanged({ token_type: 'bEARER' }),
      exchanged({ token_type: 'mac' }),
      exchanged({ token_type: 'DPoP' }),
    )
    const subjectToken = 'subject-token'
    expect(bearerAuthorization(await client.exchangeToken({ subjectToken }))).toBe('Bearer exchanged-token')
    await expect(client.exchangeToken({ subjectToken })).rejects.toMatchObject({ code: 'ERR_TOKEN_TYPE_UNUSABLE' })
    await expect(client.exchangeToken({ subjectToken })).rejects.toMatchObject({ code: 'ERR_TOKEN_TYPE_UNUSABLE' })
  })

  it('[TX-07] [RI-03] [S0-68] tells a refusal as TokenExchangeError with the code of the server', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/token',
      refusal('invalid_target', 'no such resource'),
      refusal('invalid_request'),
      refusal('odd_code'),
    )
    const target = await rejection(client.exchangeToken({ subjectToken: 'subject-token' }))
    expect(target).toBeInstanceOf(TokenExchangeError)
    expect(target).toMatchObject({
      code: 'ERR_INVALID_TARGET',
      category: 'auth',
      error: 'invalid_target',
      errorDescription: 'no such resource',
      status: 400,
      retryable: false,
    })
    const request = await rejection(client.exchangeToken({ subjectToken: 'subject-token' }))
    expect(request).toBeInstanceOf(TokenExchangeError)
    expect(request).toMatchObject({ code: 'ERR_INVALID_REQUEST' })
    const odd = await rejection(client.exchangeToken({ subjectToken: 'subject-token' }))
    expect(odd).toMatchObject({ code: 'ERR_REFUSED', error: 'odd_code' })
  })

  it('caches nothing: every call is an exchange', async () => {
    const { server, client } = setUpClient()
    server.script('/token', exchanged())
    await client.exchangeToken({ subjectToken: 'subject-token' })
    await client.exchangeToken({ subjectToken: 'subject-token' })
    expect(server.at('/token')).toHaveLength(2)
  })
})
