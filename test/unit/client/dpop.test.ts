import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, type JWK } from 'jose'
import { DpopError, TokenTypes } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../support/client-set-up.js'
import { refusal, tokens } from '../../support/fake-token-endpoint.js'

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
})
