import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, compactVerify, decodeJwt, decodeProtectedHeader, importJWK, type JWK } from 'jose'
import { DpopError, TokenTypes } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../../support/client-set-up.js'
import { refusal, tokens } from '../../../support/fake-token-endpoint.js'

const bound = tokens({ token_type: 'DPoP' })

describe('DPoP', () => {
  it('[DPOP-C1] [DPOP-C2] [DPOP-C7] sends a fresh proof for every request, without ath, by the injected clock', async () => {
    const { server, client } = setUpClient({ dpop: true })
    server.metadata = {
      token_endpoint: 'https://as.example/token?tenant=1',
      dpop_signing_alg_values_supported: ['PS256', 'ES256'],
    }
    server.script('/token', bound)
    await client.clientCredentials()
    await client.clientCredentials({}, { forceRefresh: true })
    const proofs = server.at('/token').map(({ headers }) => headers['dpop'] as string)
    const [first, second] = proofs.map((proof) => decodeJwt(proof))
    expect(first).toMatchObject({ htm: 'POST', htu: 'https://as.example/token', iat: 1_800_000_000 })
    expect(first).not.toHaveProperty('ath')
    expect(first?.jti).not.toBe(second?.jti)
    expect(String(first?.jti).length).toBeGreaterThanOrEqual(16)
    const header = decodeProtectedHeader(proofs[0] as string)
    expect(header).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256' })
    expect(header.jwk).not.toHaveProperty('d')
  })

  it('[JWT-12] signs no two proofs with the same secret number', async () => {
    const { server, client } = setUpClient({ dpop: true })
    server.script('/token', bound)
    for (let count = 0; count < 40; count += 1) await client.clientCredentials({}, { forceRefresh: true })
    const signatures = server.at('/token').map(({ headers }) => headers['dpop']?.split('.')[2] ?? '')
    const halves = signatures.map((signature) => Buffer.from(signature, 'base64url').subarray(0, 32).toString('hex'))
    expect(halves.every((half) => half.length === 64)).toBe(true)
    expect(new Set(halves).size).toBe(40)
  })

  it('[DPOP-C7] picks an algorithm the server lists', async () => {
    const { server, client } = setUpClient({ dpop: true })
    server.metadata = { dpop_signing_alg_values_supported: ['PS256'] }
    server.script('/token', bound)
    await client.clientCredentials()
    expect(decodeProtectedHeader(server.at('/token')[0]?.headers['dpop'] as string).alg).toBe('PS256')
    const odd = setUpClient({ dpop: true })
    odd.server.metadata = { dpop_signing_alg_values_supported: ['XX'] }
    odd.server.script('/token', bound)
    await odd.client.clientCredentials()
    expect(decodeProtectedHeader(odd.server.at('/token')[0]?.headers['dpop'] as string).alg).toBe('ES256')
  })

  it('[DPOP-C5] uses the key pair given, for every grant', async () => {
    const pair = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
      'verify',
    ])) as CryptoKeyPair
    const { server, client } = setUpClient({ dpop: pair })
    server.script('/token', bound)
    await client.clientCredentials()
    await client.refresh({ refreshToken: 'refresh-0' })
    const jwks = server.at('/token').map(({ headers }) => decodeProtectedHeader(headers['dpop'] as string).jwk as JWK)
    const thumbprints = await Promise.all(
      [...jwks, (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JWK].map((jwk) =>
        calculateJwkThumbprint(jwk),
      ),
    )
    expect(new Set(thumbprints).size).toBe(1)
  })

  it('[DPOP-C4] [S4-32] repeats once with the nonce of the server and keeps the newest', async () => {
    const { server, client } = setUpClient({ dpop: true })
    server.script(
      '/token',
      refusal('use_dpop_nonce', undefined, 400, { 'dpop-nonce': 'nonce-1' }),
      (request, signal) => {
        const response = bound(request, signal) as Response
        response.headers.set('dpop-nonce', 'nonce-2')
        return response
      },
      bound,
    )
    await client.clientCredentials()
    await client.clientCredentials({}, { forceRefresh: true })
    const nonces = server.at('/token').map(({ headers }) => decodeJwt(headers['dpop'] as string)['nonce'])
    expect(nonces).toEqual([undefined, 'nonce-1', 'nonce-2'])
  })

  it('[DPOP-C4] gives up on a server that wants a nonce forever', async () => {
    const { server, client } = setUpClient({ dpop: true })
    server.script('/token', refusal('use_dpop_nonce', undefined, 400, { 'dpop-nonce': 'n' }))
    const error = await rejection(client.clientCredentials())
    expect(error).toBeInstanceOf(DpopError)
    expect(error).toMatchObject({ code: 'ERR_DPOP_NONCE', category: 'dpop' })
    expect(server.at('/token')).toHaveLength(2)
  })

  it('[DPOP-C3] [TX-06] discards a token that is not bound', async () => {
    const { server, client } = setUpClient({ dpop: true })
    server.script('/token', tokens({ issued_token_type: TokenTypes.accessToken }))
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_DPOP_NOT_BOUND' })
    const exchange = client.exchangeToken({ subjectToken: 'subject-token' })
    await expect(exchange).rejects.toMatchObject({ code: 'ERR_DPOP_NOT_BOUND', name: 'DpopError' })
  })

  it('[DPOP-C3] takes N_A where no access token was asked for, and not where one was', async () => {
    const { server, client } = setUpClient({ dpop: true })
    server.script('/token', tokens({ token_type: 'N_A', issued_token_type: TokenTypes.idJag }))
    const subjectToken = 'subject-token'
    const token = await client.exchangeToken({ subjectToken, requestedTokenType: TokenTypes.idJag })
    expect(token.tokenType).toBe('N_A')
    await expect(client.exchangeToken({ subjectToken })).rejects.toMatchObject({ code: 'ERR_DPOP_NOT_BOUND' })
  })

  it('[DPOP-C6] proves the key with a pushed authorization request', async () => {
    const { server, client } = setUpClient({ dpop: true })
    server.script(
      '/par',
      () =>
        new Response(JSON.stringify({ request_uri: 'urn:x', expires_in: 60 }), {
          status: 201,
          headers: { 'content-type': 'application/json' },
        }),
    )
    await client.pushAuthorizationRequest({
      redirectUri: 'https://app.example/cb',
      codeChallenge: 'c'.repeat(43),
      state: 's',
    })
    expect(server.at('/par')[0]?.headers).toHaveProperty('dpop')
  })

  it('[DPOP-C1] [DPOP-C2] [S4-46] proves its key at a resource server, apart from the nonces of the authorization server', async () => {
    const { server, client } = setUpClient({ dpop: true })
    server.script('/token', (request, signal) => {
      const response = bound(request, signal) as Response
      response.headers.set('dpop-nonce', 'nonce-of-the-authorization-server')
      return response
    })
    const { accessToken } = await client.clientCredentials()
    const request = { method: 'GET', url: 'https://as.example/api/a?b=c#d', accessToken }
    const [first, second] = await Promise.all([
      client.dpop?.proof(request),
      client.dpop?.proof({ ...request, nonce: 'nonce-of-the-resource' }),
    ])
    const claims = decodeJwt(first as string)
    expect(claims).toEqual({
      htm: 'GET',
      htu: 'https://as.example/api/a',
      iat: 1_800_000_000,
      jti: expect.any(String),
      ath: createHash('sha256').update(accessToken).digest('base64url'),
    })
    expect(decodeJwt(second as string)).toMatchObject({ nonce: 'nonce-of-the-resource' })
    expect(decodeJwt(second as string).jti).not.toBe(claims.jti)
    const { jwk, ...header } = decodeProtectedHeader(first as string)
    expect(header).toEqual({ typ: 'dpop+jwt', alg: 'ES256' })
    await compactVerify(first as string, await importJWK(jwk as JWK, 'ES256'))
    expect(await client.dpop?.thumbprint()).toBe(await calculateJwkThumbprint(jwk as JWK))
    const sent = decodeProtectedHeader(server.at('/token')[0]?.headers['dpop'] as string).jwk as JWK
    expect(await calculateJwkThumbprint(sent)).toBe(await client.dpop?.thumbprint())
  })

  it('[V-06] gives the published hash of the published token', async () => {
    const { client } = setUpClient({ dpop: true })
    const accessToken = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
    const proof = await client.dpop?.proof({
      method: 'GET',
      url: 'https://resource.example.org/protectedresource',
      accessToken,
    })
    expect(decodeJwt(proof as string)['ath']).toBe('fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo')
  })

  it('is off unless asked for', async () => {
    const { server, client } = setUpClient()
    await client.clientCredentials()
    expect(client.dpop).toBeUndefined()
    expect(server.at('/token')[0]?.headers).not.toHaveProperty('dpop')
  })
})
