import { createDpopClient } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/index.js'
import { createAttackedServer, resource } from '../support/attacked-server.js'

/** Tokens of other kinds that an authorization server signs with the same key, each by its specification. */
const kinds: Record<string, { readonly typ: string | undefined; readonly claims: JsonObject }> = {
  'an ID token': { typ: 'JWT', claims: { nonce: 'n', at_hash: 'h', auth_time: 1, azp: 'spa', client_id: undefined } },
  'an ID token of the code flow': { typ: 'JWT', claims: { client_id: undefined, azp: 'spa' } },
  'an ID token of the hybrid flow': { typ: undefined, claims: { c_hash: 'h' } },
  'a logout token': {
    typ: 'logout+jwt',
    claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, sid: 's' },
  },
  'a logout token without its type': {
    typ: 'JWT',
    claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, sid: 's' },
  },
  'a security event': { typ: 'secevent+jwt', claims: { events: {} } },
  'an introspection answer': { typ: 'token-introspection+jwt', claims: { token_introspection: { active: true } } },
  'an introspection answer without its type': { typ: undefined, claims: { token_introspection: { active: true } } },
  'a DPoP proof': { typ: 'dpop+jwt', claims: { htm: 'GET', htu: resource } },
  'a DPoP proof without its type': { typ: 'JWT', claims: { htm: 'GET', htu: resource } },
  'a client assertion': { typ: 'client-authentication+jwt', claims: {} },
  'an authorization request': { typ: 'oauth-authz-req+jwt', claims: {} },
  'an ID-JAG': { typ: 'oauth-id-jag+jwt', claims: {} },
  'a transaction token': { typ: 'txntoken+jwt', claims: {} },
}

describe('tokens of another kind', () => {
  it.each(Object.entries(kinds))(
    '[JWT-07] [AT-01] refuses %s under the default rules',
    async (_kind, { typ, claims }) => {
      const { issuer, call } = createAttackedServer()
      expect(await call(issuer.mintToken(claims, { header: { typ } }))).toBe('401 ERR_TOKEN_TYPE')
    },
  )

  it.each(Object.entries(kinds))(
    '[JWT-07] [JWT-08] refuses %s also where typ may be JWT or lack',
    async (_kind, { typ, claims }) => {
      const { issuer, call } = createAttackedServer({
        issuer: { issuer: 'https://issuer.test', tokenTypes: ['at+jwt', 'JWT', null] },
      })
      expect(await call(issuer.mintToken(claims, { header: { typ } }))).toMatch(/^401 ERR_TOKEN_(TYPE|CLAIM_MISSING)$/)
      const named = typ === undefined ? undefined : `application/${typ.toUpperCase()}`
      expect(await call(issuer.mintToken(claims, { header: { typ: named } }))).not.toBe('ok')
    },
  )

  it('[JWT-07] judges every token of a known header by its claims', async () => {
    const { issuer, call } = createAttackedServer({ issuer: { issuer: 'https://issuer.test', tokenTypes: ['JWT'] } })
    const header = { typ: 'JWT' }
    for (let times = 0; times < 2; times++) {
      expect(await call(issuer.mintToken({}, { header }))).toBe('ok')
      expect(await call(issuer.mintToken({ at_hash: 'h' }, { header }))).toBe('401 ERR_TOKEN_TYPE')
      expect(await call(issuer.mintToken({ events: {} }, { header }))).toBe('401 ERR_TOKEN_TYPE')
    }
  })

  it('[C-06] [AT-01] accepts at+jwt in any letter case, and nothing near it', async () => {
    const { issuer, call } = createAttackedServer()
    for (const typ of ['at+jwt', 'at+JWT', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt']) {
      expect(await call(issuer.mintToken({}, { header: { typ } })), typ).toBe('ok')
    }
    for (const typ of [
      'JWT',
      'jwt',
      undefined,
      '',
      'at',
      'at+jwt ',
      'at jwt',
      'at+jwt;a=b',
      'x/at+jwt',
      'at+jwts',
      'аt+jwt',
      null,
      1,
      ['at+jwt'],
    ]) {
      expect(await call(issuer.mintToken({}, { header: { typ } })), String(typ)).toBe('401 ERR_TOKEN_TYPE')
    }
  })

  it('[C-06] accepts JWT or no typ only from an issuer of which that is said', async () => {
    const lax = createAttackedServer({ issuer: { issuer: 'https://issuer.test', tokenTypes: ['JWT', null] } })
    for (const typ of ['JWT', 'jwt', 'application/jwt', undefined]) {
      expect(await lax.call(lax.issuer.mintToken({}, { header: { typ } })), String(typ)).toBe('ok')
    }
    expect(await lax.call(lax.issuer.mintToken())).toBe('401 ERR_TOKEN_TYPE')
  })

  it('[JWT-07] refuses the proof of a client as its token', async () => {
    const { issuer, call } = createAttackedServer()
    const client = createDpopClient()
    const proof = client.proof({ method: 'GET', url: resource, accessToken: issuer.mintToken() })
    expect(await call(proof)).toBe('401 ERR_TOKEN_ISSUER')
  })

  it('[AT-08] refuses an encrypted token by a code of its own', async () => {
    const { call } = createAttackedServer()
    const header = Buffer.from('{"alg":"RSA-OAEP","enc":"A256GCM"}').toString('base64url')
    expect(await call(`${header}.AAAA.AAAA.AAAA.AAAA`)).toBe('401 ERR_TOKEN_ENCRYPTED')
    expect(await call('AAAA.AAAA.AAAA.AAAA.AAAA')).toBe('401 ERR_TOKEN_UNRECOGNISED')
    const signed = Buffer.from('{"alg":"ES256"}').toString('base64url')
    expect(await call(`${signed}.AAAA.AAAA.AAAA.AAAA`)).toBe('401 ERR_TOKEN_MALFORMED')
    expect(await call(`${header}..AAAA.AAAA.AAAA`)).toBe('401 ERR_TOKEN_ENCRYPTED')
  })
})
