import { createSigningKey } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { requestFacts } from '../../src/testing/index.js'
import { createAttackedServer } from '../support/attacked-server.js'

/** A server whose issuer signs with one RSA key that names no `alg`, ID tokens with PS256 and access tokens with RS256. */
function serverOfOneRsaKey() {
  const world = createAttackedServer({ issuer: { issuer: 'https://issuer.test', logoutAudience: 'api-client' } })
  const key = createSigningKey({ algorithm: 'RS256', kid: 'only' })
  const { alg: _, ...publicJwk } = key.publicJwk
  world.issuer.withdrawKey(world.issuer.signingKey().kid)
  world.issuer.publishKey(publicJwk)
  const accessToken = () => world.issuer.mintToken({}, { key })
  const asPs256 = { ...key, algorithm: 'PS256' as const }
  return { ...world, accessToken, asPs256 }
}

describe('what a refused token says about a key', () => {
  it('[REAL-03] [JOSE-09] an expired PS256 ID token at back-channel logout does not shut out RS256 access tokens', async () => {
    const { issuer, clock, server, call, accessToken, asPs256 } = serverOfOneRsaKey()
    const now = clock.now() / 1000
    const idToken = issuer.mintToken(
      { aud: 'api-client', nonce: 'n', iat: now - 7200, exp: now - 3600 },
      { key: asPs256, header: { typ: 'JWT' } },
    )
    const formBody = { logout_token: idToken }
    const answer = await server.backchannelLogout(requestFacts({ method: 'POST', url: '/logout', formBody }))
    expect(answer.status).toBe(400)
    for (let index = 0; index < 3; index++) expect(await call(accessToken())).toBe('ok')
  })

  it('[REAL-03] [JOSE-09] nor does a PS256 access token, good or expired', async () => {
    const { issuer, call, accessToken, asPs256 } = serverOfOneRsaKey()
    expect(await call(issuer.mintToken({ exp: 1 }, { key: asPs256 }))).toBe('401 ERR_TOKEN_EXPIRED')
    expect(await call(accessToken())).toBe('ok')
    expect(await call(issuer.mintToken({}, { key: asPs256 }))).toBe('ok')
    expect(await call(accessToken())).toBe('ok')
  })
})

describe('a key replaced under its own name', () => {
  it('[REAL-06] [JWKS-03] is found by the first token it signs, and forgeries under a known name cost three fetches', async () => {
    const { issuer, fetched, call } = createAttackedServer()
    const { kid } = issuer.signingKey()
    const old = issuer.mintToken()
    expect(await call(old)).toBe('ok')
    const forger = createSigningKey({ kid })
    const forgery = () => issuer.mintToken({}, { key: forger })
    const before = fetched.length
    expect(await call(forgery())).toBe('401 ERR_TOKEN_SIGNATURE')
    const replacement = createSigningKey({ kid })
    issuer.withdrawKey(kid)
    issuer.publishKey(replacement.publicJwk)
    expect(await call(issuer.mintToken({}, { key: replacement }))).toBe('ok')
    expect(await call(old)).toBe('401 ERR_TOKEN_SIGNATURE')
    for (let index = 0; index < 20; index++) expect(await call(forgery())).toBe('401 ERR_TOKEN_SIGNATURE')
    expect(fetched.length - before).toBe(3)
  })
})

describe('many keys under one name', () => {
  it('[REAL-05] [JWKS-06] are tried in order, sixteen at most', async () => {
    const { issuer, call } = createAttackedServer()
    const keys = Array.from({ length: 18 }, () => createSigningKey({ kid: 'same' }))
    for (const { publicJwk } of keys) issuer.publishKey(publicJwk)
    const outcomes = []
    for (const index of [0, 1, 14, 15, 16])
      outcomes.push(await call(issuer.mintToken({}, { key: keys[index] as never })))
    expect(outcomes).toEqual(['ok', 'ok', 'ok', 'ok', '401 ERR_TOKEN_SIGNATURE'])
  })
})
