import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../../support/client-set-up.js'
import { answer, plain, refusal } from '../../../support/fake-token-endpoint.js'

describe('pushed authorization request', () => {
  const params = {
    redirectUri: 'https://app.example/callback',
    codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    state: 'the-state',
    nonce: 'the-nonce',
    scope: 'openid',
    resource: 'https://api.example/',
    audience: 'orders',
  }

  it('[PAR-01] [PAR-02] [PKCE-02] [S0-62] [S4-43] pushes every parameter and sends the user on with two', async () => {
    const { server, client } = setUpClient()
    server.script('/par', answer({ request_uri: 'urn:ietf:params:oauth:request_uri:1', expires_in: 60 }, 201))
    const pushed = await client.pushAuthorizationRequest(params)
    expect(Object.fromEntries(server.at('/par')[0]?.form ?? [])).toEqual({
      client_id: 'app',
      response_type: 'code',
      redirect_uri: params.redirectUri,
      code_challenge: params.codeChallenge,
      code_challenge_method: 'S256',
      state: 'the-state',
      nonce: 'the-nonce',
      scope: 'openid',
      resource: 'https://api.example/',
      audience: 'orders',
    })
    expect(server.at('/par')[0]?.headers['authorization']).toMatch(/^Basic /)
    expect(pushed).toEqual({
      requestUri: 'urn:ietf:params:oauth:request_uri:1',
      expiresAt: 1_800_000_060,
      authorizationUrl:
        'https://as.example/authorize?request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A1&client_id=app',
    })
  })

  it('[MCP-13] [RI-02] names the resource in authorization and token requests alike, as it was given', async () => {
    const { server, client } = setUpClient()
    const resource = 'https://mcp.example/server/mcp'
    server.script('/par', answer({ request_uri: 'urn:ietf:params:oauth:request_uri:1', expires_in: 60 }, 201))
    await client.pushAuthorizationRequest({ ...params, resource })
    await client.clientCredentials({ resource })
    await client.refresh({ refreshToken: 'refresh-token', resource })
    await client.jwtBearer({ assertion: 'a.b.c', resource })
    const requests = [...server.at('/par'), ...server.at('/token')]
    expect(requests.map(({ form }) => form.getAll('resource'))).toEqual([
      [resource],
      [resource],
      [resource],
      [resource],
    ])
  })

  it.each([0, -1, 1.5])('[PAR-02] refuses an expiry of %s', async (expires_in) => {
    const { server, client } = setUpClient()
    server.script('/par', answer({ request_uri: 'urn:x', expires_in }, 201))
    await expect(client.pushAuthorizationRequest(params)).rejects.toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' })
  })

  it.each([
    'request_uri',
    'request',
    'response_type',
    'redirect_uri',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'client_id',
  ])('[PAR-01] refuses to let `parameters` set %s', async (name) => {
    const { server, client } = setUpClient()
    expect(await rejection(client.pushAuthorizationRequest({ ...params, parameters: { [name]: 'x' } }))).toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: `\`parameters\` must not set \`${name}\`.` },
    })
    expect(server.requests).toEqual([])
  })

  it.each([
    ['codeChallenge', 'c'.repeat(42)],
    ['codeChallenge', `${'c'.repeat(43)}=`],
    ['codeChallenge', ` ${'c'.repeat(43)}`],
    ['codeChallenge', { toString: () => 'c'.repeat(43) }],
    ['redirectUri', new URL('https://app.example/callback')],
    ['redirectUri', 'https://app.example/callback#x'],
    ['redirectUri', '/callback'],
  ])('[PKCE-03] refuses the %s %s', async (name, value) => {
    const { server, client } = setUpClient()
    expect(await rejection(client.pushAuthorizationRequest({ ...params, [name]: value } as never))).toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining(`\`${name}\` takes`) },
    })
    expect(server.requests).toEqual([])
  })

  it('[PAR-01] pushes nothing where the server has no page to send the user to', async () => {
    const { server, client } = setUpClient()
    server.metadata = { authorization_endpoint: undefined }
    expect(await rejection(client.pushAuthorizationRequest(params))).toMatchObject({ code: 'ERR_ENDPOINT_MISSING' })
    expect(server.at('/par')).toEqual([])
  })

  it('sends a nonce where there is one', async () => {
    const { server, client } = setUpClient()
    server.script('/par', answer({ request_uri: 'urn:x', expires_in: 60 }, 201))
    await client.pushAuthorizationRequest({ ...params, nonce: undefined })
    await client.pushAuthorizationRequest({ ...params, nonce: 'n' })
    expect(server.at('/par').map(({ form }) => form.get('nonce'))).toEqual([null, 'n'])
  })

  it('[PAR-01] [PKCE-03] takes neither request_uri nor a request without PKCE or state', async () => {
    const { client } = setUpClient()
    const calls = [
      { ...params, parameters: { request_uri: 'urn:x' } },
      { ...params, parameters: { response_type: 'token' } },
      { ...params, codeChallenge: '' },
      { ...params, state: '' },
    ].map((wrong) => rejection(client.pushAuthorizationRequest(wrong)))
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
  })

  it('[PAR-03] tells errors like the token endpoint, and 405 and 413', async () => {
    const { server, client } = setUpClient()
    server.script('/par', refusal('invalid_request'), plain('', 'text/plain', 405), plain('', 'text/plain', 413))
    const { nonce, ...withoutNonce } = params
    const codes = []
    for (let count = 0; count < 3; count += 1)
      codes.push(await rejection(client.pushAuthorizationRequest(withoutNonce)))
    expect(codes).toMatchObject([
      { code: 'ERR_INVALID_REQUEST' },
      { code: 'ERR_HTTP_STATUS', status: 405 },
      { code: 'ERR_HTTP_STATUS', status: 413 },
    ])
    expect(nonce).toBe('the-nonce')
  })
})
