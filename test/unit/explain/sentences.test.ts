import { type AuthError, type AuthErrorCode, errorDescriptions } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { providerBySight } from '../../../src/explain/provider-by-sight.js'
import { quoted } from '../../../src/explain/refusal.js'
import { refusalSentence } from '../../../src/explain/sentences.js'

const codes = Object.keys(errorDescriptions) as AuthErrorCode[]
const details = [
  undefined,
  'claims schema: a.b',
  'claims schema: ',
  'network',
  'isRevoked failed',
  'mTLS is off',
  'DPoP is off',
  'exp',
  'unheard of',
]
const sentence = (code: AuthErrorCode, members: Partial<AuthError> = {}, sight: object = {}) =>
  refusalSentence({ error: { code, message: 'Write this.', ...members } as AuthError, ...sight })

describe('the sentence of a refusal', () => {
  it.each(codes)('[REAL-40] of %s is there whatever is known, short, and for a reader of one screen', (code) => {
    for (const detail of details) {
      for (const values of [undefined, 'a', ['a', 'b'], []]) {
        const text = sentence(code, { detail, expected: values, received: values })
        expect(text).toMatch(/^(?:.{20,700}[.]|Write this\.) See https:\/\/\S+#err_[a-z_]+$/)
        expect(text).not.toMatch(/undefined|\[object/)
      }
    }
  })

  it('[REAL-40] tells of outages what they are, and of callbacks which', () => {
    expect(sentence('ERR_KEYS_UNAVAILABLE', { detail: 'timeout' })).toContain('no answer in time')
    expect(sentence('ERR_STORE_UNAVAILABLE', { detail: 'replay store' })).toContain('The replay store failed')
    expect(sentence('ERR_INTERNAL', { callback: 'allow' })).toContain('`allow` threw')
    expect(sentence('ERR_TOKEN_REVOKED', { received: 'sub' })).toContain('by its "sub"')
    expect(sentence('ERR_PROOF_TARGET', { expected: 'no URL', received: 'https://a.test/' })).toContain('Compare `htu`')
    const claims = { iss: 'https://a.test', 'b\n': ['admin'], c: null }
    expect(sentence('ERR_ROLE_INSUFFICIENT', { expected: ['admin'] }, { claims })).toContain('Give the user the role')
    const twice = { received: 'https://login.microsoftonline.com/a/', expected: ['https://sts.windows.net/b/'] }
    expect(sentence('ERR_TOKEN_ISSUER', twice)).toContain('entra({ tenant, audience, version: 1 })')
    for (const [value, kind] of [
      [null, 'null'],
      [[1], 'a list'],
    ]) {
      const text = sentence('ERR_TOKEN_CLAIM_INVALID', { detail: 'exp' }, { claims: { exp: value } })
      expect(text).toContain(`(${kind})`)
    }
  })

  it('[REAL-40] names the preset of issuers that look like a known provider, and of no other text', () => {
    const presets = [
      ['https://sso.test/auth/realms/a', 'keycloak('],
      ['https://a.okta.com', "authorizationServer: 'default'"],
      ['https://a.b.clerk.accounts.dev', 'clerk('],
      ['https://login.microsoftonline.com/11-22/v2.0', "entra({ tenant: '11-22'"],
      ['https://abc.supabase.co/auth/v1', "project: 'abc'"],
      ['https://securetoken.google.com/abc', 'firebase('],
      ['https://abc.zitadel.cloud', 'zitadel('],
      ['https://abc.cloudflareaccess.com', "team: 'abc'"],
    ]
    for (const [issuer, preset] of presets) expect(providerBySight(issuer)?.preset).toContain(preset)
    const strange = [
      "https://sso.test/realms/a'})",
      'https://sso.test/realms/a\n',
      `https://sso.test/realms/${'a'.repeat(300)}`,
      5,
      'https://sso.test',
    ]
    for (const issuer of strange) expect(providerBySight(issuer)).toBeUndefined()
  })

  it('[REAL-40] quotes values, and says where there are none', () => {
    expect([quoted(undefined), quoted([]), quoted(['a', 1]), quoted(true)]).toEqual([
      'nothing',
      'nothing',
      '"a", 1',
      'true',
    ])
  })
})
