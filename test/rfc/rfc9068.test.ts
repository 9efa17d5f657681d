import { createResourceServer } from 'portcullis'
import { createSigningKey, requestFacts, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/index.js'

const key = createSigningKey({ algorithm: 'RS256', kid: 'RjEwOwOA' })
/** Figure 2. */
const header = { typ: 'at+JWT', alg: 'RS256', kid: 'RjEwOwOA' }
const claims = {
  iss: 'https://authorization-server.example.com/',
  sub: '5ba552d67',
  aud: 'https://rs.example.com/',
  exp: 1639528912,
  iat: 1618354090,
  jti: 'dbe39bf3a3ba4238a513f51d6e1691c4',
  client_id: 's6BhdRkqt3',
  scope: 'openid profile reademail',
}
const server = createResourceServer({
  resource: 'https://rs.example.com/',
  issuer: { issuer: 'https://authorization-server.example.com/', keys: [key.publicJwk] },
  clock: () => claims.iat * 1000,
})

const call = async (payload: JsonObject, changedHeader: JsonObject = {}) => {
  const token = signCompact({ header: { ...header, ...changedHeader }, payload, key })
  const result = await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
  return result.ok ? result.auth : result.error.code
}

describe('RFC 9068', () => {
  it('[AT-01] [AT-02] [AT-03] accepts the token of figure 2, its at+JWT among others', async () => {
    expect(await call(claims)).toMatchObject({
      subject: '5ba552d67',
      clientId: 's6BhdRkqt3',
      scopes: ['openid', 'profile', 'reademail'],
      expiresAt: 1639528912,
      claims,
    })
  })

  it('[AT-03] section 2.2: refuses it without any one of the required claims', async () => {
    for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']) {
      const code = name === 'iss' ? 'ERR_TOKEN_ISSUER' : 'ERR_TOKEN_CLAIM_MISSING'
      expect(await call({ ...claims, [name]: undefined }), name).toBe(code)
    }
  })

  it('[AT-01] [AT-04] [AT-05] [AT-06] section 4: refuses another typ, issuer, audience or time', async () => {
    expect(await call(claims, { typ: 'JWT' })).toBe('ERR_TOKEN_TYPE')
    expect(await call({ ...claims, iss: 'https://authorization-server.example.com' })).toBe('ERR_TOKEN_ISSUER')
    expect(await call({ ...claims, aud: 'https://rs.example.com' })).toBe('ERR_TOKEN_AUDIENCE')
    expect(await call({ ...claims, exp: claims.iat - 60 })).toBe('ERR_TOKEN_EXPIRED')
    expect(await call(claims, { alg: 'none' })).toBe('ERR_TOKEN_ALGORITHM')
  })

  it('[AT-09] [AT-10] sections 2.2.1 and 2.2.3: hands authentication and authorization claims out', async () => {
    const more = { auth_time: claims.iat, acr: 'urn:mace:incommon:iap:silver', amr: ['pwd', 'otp'] }
    const entitled = { groups: ['g'], roles: ['r'], entitlements: ['e'] }
    expect(await call({ ...claims, ...more, ...entitled })).toMatchObject({
      claims: { ...more, ...entitled },
      roles: ['r'],
    })
  })

  it('[AT-11] section 5: marks a token whose subject is the client', async () => {
    expect(await call({ ...claims, sub: claims.client_id })).toMatchObject({ isClientToken: true })
    expect(await call(claims)).toMatchObject({ isClientToken: undefined })
  })
})
