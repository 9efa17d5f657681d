import { createResourceServer, type ResourceServerOptions } from 'portcullis'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it, vi } from 'vitest'
import { sha256Base64url } from '../../../src/jws/crypto/node.js'

vi.mock('../../../src/jws/crypto/node.js', () => import('../../../src/jws/crypto/web.js'))

const resource = 'https://api.example.com'
const algorithms = ['ES256', 'RS256', 'PS256', 'Ed25519'] as const

function setUp(options: Partial<ResourceServerOptions> = {}) {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now, audience: resource, algorithms })
  const server = createResourceServer({
    resource,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
    ...options,
  })
  const call = async (headers: Record<string, string>) => {
    const result = await server.authenticate(requestFacts({ url: '/x', headers }))
    return result.ok
      ? { code: 'ok', headers: result.headers }
      : { code: result.error.code, headers: result.answer.headers }
  }
  const bearer = async (token: string) => (await call({ authorization: `Bearer ${token}` })).code
  return { clock, issuer, call, bearer }
}

describe('a server where cryptography answers by promises alone', () => {
  it('is what is tested here', () => {
    expect(sha256Base64url('')).toBeInstanceOf(Promise)
  })

  it.each(algorithms)('[JOSE-07] verifies %s, remembered or not, and refuses what was changed', async (algorithm) => {
    const { issuer, bearer } = setUp()
    const token = issuer.mintToken({}, { algorithm })
    for (let times = 0; times < 2; times++) {
      expect(await bearer(token)).toBe('ok')
      expect(await bearer(issuer.mintToken({}, { algorithm }))).toBe('ok')
      for (const tamper of ['payload', 'signature'] as const) {
        expect(await bearer(issuer.mintToken({}, { algorithm, tamper }))).toBe('ERR_TOKEN_SIGNATURE')
      }
    }
    expect(await bearer(issuer.mintToken({ aud: 'https://other.test' }, { algorithm }))).toBe('ERR_TOKEN_AUDIENCE')
    expect(await bearer(issuer.mintToken({ exp: 1 }, { algorithm }))).toBe('ERR_TOKEN_EXPIRED')
  })

  it('remembers a token that it verified', async () => {
    const sources: string[] = []
    const { issuer, bearer } = setUp({
      onEvent: (event) => event.type === 'auth.accepted' && sources.push(event.source),
    })
    const token = issuer.mintToken()
    for (let times = 0; times < 2; times++) expect(await bearer(token)).toBe('ok')
    expect(sources).toEqual(['verified', 'cache'])
  })

  it('[DPOP-17] [DPOP-20] holds proofs against their tokens, and hands nonces out with successes', async () => {
    const nonce = { secrets: ['n'.repeat(32)], onSuccess: true }
    const { issuer, call, clock, bearer } = setUp({ dpop: { nonce } })
    const client = createDpopClient({ clock: clock.now })
    const token = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const send = (nonceOfServer?: string) =>
      call({
        authorization: `DPoP ${token}`,
        dpop: client.proof({ method: 'GET', url: `${resource}/x`, accessToken: token, nonce: nonceOfServer }),
      })
    const first = await send()
    expect(first.code).toBe('ERR_PROOF_NONCE')
    const second = await send(String(first.headers['DPoP-Nonce']))
    expect(second).toMatchObject({ code: 'ok', headers: { 'Access-Control-Expose-Headers': expect.any(String) } })
    expect(second.headers['DPoP-Nonce']).toBeTruthy()
    expect(await bearer(token)).toBe('ERR_TOKEN_BOUND')
  })
})

describe('a server without DPoP', () => {
  it('[E-01] offers Bearer alone', async () => {
    const { call } = setUp({ dpop: 'off' })
    const { headers } = await call({ authorization: 'DPoP abc' })
    expect(headers['WWW-Authenticate']).toEqual([expect.stringMatching(/^Bearer /)])
  })
})
