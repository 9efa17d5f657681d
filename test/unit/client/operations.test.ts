import { createPkcePair, PkceError, pkceChallenge } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { quickRetry, rejection, setUpClient } from '../../support/client-set-up.js'
import { answer, html503, plain, refusal, reset } from '../../support/fake-token-endpoint.js'

describe('introspection', () => {
  it('[S0-60] asks with a hint and gives the answer back', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/introspect', reset(), answer({ active: true, sub: 'alice' }))
    expect(await client.introspect('the-token', { tokenTypeHint: 'access_token' })).toMatchObject({
      active: true,
      sub: 'alice',
    })
    const [, request] = server.at('/introspect')
    expect(Object.fromEntries(request?.form ?? [])).toEqual({ token: 'the-token', token_type_hint: 'access_token' })
    expect(request?.headers['authorization']).toMatch(/^Basic /)
  })

  it('refuses an answer whose `active` is no boolean, and an absent token', async () => {
    const { server, client } = setUpClient()
    server.script('/introspect', answer({ active: 'true' }))
    await expect(client.introspect('the-token')).rejects.toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' })
    await expect(client.introspect('')).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
  })
})

describe('revocation', () => {
  it('[REV-01] [S0-61] posts token and hint with client authentication', async () => {
    const { server, client } = setUpClient()
    server.script('/revoke', plain('', 'text/plain'))
    await client.revoke('the-token', { tokenTypeHint: 'refresh_token' })
    const [request] = server.at('/revoke')
    expect(request?.method).toBe('POST')
    expect(Object.fromEntries(request?.form ?? [])).toEqual({ token: 'the-token', token_type_hint: 'refresh_token' })
    expect(request?.headers['authorization']).toMatch(/^Basic /)
  })

  it('[REV-01] refuses an endpoint that is not https', async () => {
    const { server, client } = setUpClient()
    server.metadata = { revocation_endpoint: 'http://as.example/revoke' }
    await expect(client.revoke('the-token')).rejects.toMatchObject({ code: 'ERR_INSECURE_URL' })
    expect(server.at('/revoke')).toHaveLength(0)
  })

  it('[REV-02] takes every 200 for done, whatever its body', async () => {
    const { server, client } = setUpClient()
    server.script('/revoke', plain('<html>ok</html>', 'text/html'), answer({ error: 'nonsense' }))
    await expect(client.revoke('the-token')).resolves.toBeUndefined()
    await expect(client.revoke('the-token')).resolves.toBeUndefined()
  })

  it('[REV-03] tells 503 with its Retry-After, unsupported_token_type and invalid_client apart', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/revoke',
      html503({ 'retry-after': '7' }),
      refusal('unsupported_token_type'),
      refusal('invalid_client', undefined, 401),
    )
    expect(await rejection(client.revoke('t'))).toMatchObject({
      code: 'ERR_UNAVAILABLE',
      retryAfterMs: 7000,
      retryable: true,
    })
    expect(await rejection(client.revoke('t'))).toMatchObject({ code: 'ERR_UNSUPPORTED_TOKEN_TYPE', retryable: false })
    expect(await rejection(client.revoke('t'))).toMatchObject({ code: 'ERR_INVALID_CLIENT', status: 401 })
  })

  it('[REV-03] repeats after 503', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/revoke', html503(), plain(''))
    await client.revoke('the-token')
    expect(server.at('/revoke')).toHaveLength(2)
  })

  it('tells when the server has no such endpoint', async () => {
    const { server, client } = setUpClient()
    server.metadata = { revocation_endpoint: undefined }
    await expect(client.revoke('the-token')).rejects.toMatchObject({ code: 'ERR_ENDPOINT_MISSING' })
  })
})

describe('JWT authorization grant', () => {
  it('[ASRT-01] sends one assertion with scope', async () => {
    const { server, client } = setUpClient()
    const token = await client.jwtBearer({ assertion: 'a.b.c', scope: 'read' })
    expect(Object.fromEntries(server.at('/token')[0]?.form ?? [])).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'a.b.c',
      scope: 'read',
    })
    expect(token.accessToken).toBe('issued-access-token')
  })

  it('[ASRT-07] tells a refused assertion as invalid_grant and an absent one before it is sent', async () => {
    const { server, client } = setUpClient()
    server.script('/token', refusal('invalid_grant'))
    await expect(client.jwtBearer({ assertion: 'a.b.c' })).rejects.toMatchObject({ code: 'ERR_INVALID_GRANT' })
    await expect(client.jwtBearer({ assertion: '' })).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
  })
})

describe('pushed authorization request', () => {
  const params = {
    redirectUri: 'https://app.example/callback',
    codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    state: 'the-state',
    nonce: 'the-nonce',
    scope: 'openid',
    resource: 'https://api.example/',
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

describe('PKCE', () => {
  it('[PKCE-01] [V-04] [S0-63] gives the published challenge for the published verifier', async () => {
    expect(await pkceChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    )
  })

  it('[PKCE-01] makes fresh pairs of 32 random bytes, S256 only', async () => {
    const { client } = setUpClient()
    const [one, two] = await Promise.all([createPkcePair(), client.createPkcePair()])
    expect(one.verifier).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(one.verifier).not.toBe(two.verifier)
    expect(one).toMatchObject({ method: 'S256', challenge: await pkceChallenge(one.verifier) })
  })

  it.each(['short', 'a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(43)}+`])(
    '[PKCE-01] [S4-33] refuses the verifier %s',
    async (verifier) => {
      const error = await rejection(pkceChallenge(verifier))
      expect(error).toBeInstanceOf(PkceError)
      expect(error).toMatchObject({ code: 'ERR_PKCE_VERIFIER', category: 'pkce' })
    },
  )
})
