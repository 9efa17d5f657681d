import type { AuthError, AuthErrorCode } from 'portcullis'
import { describe, expect, it } from 'vitest'
import type { Sight } from '../../../src/explain/refusal.js'
import { refusalSentence } from '../../../src/explain/sentences.js'

type Known = Partial<AuthError> & Sight

function sentence(code: AuthErrorCode, { header, claims, authorization, ...error }: Known = {}): string {
  return refusalSentence({
    error: { code, message: 'Write this.', ...error } as AuthError,
    header,
    claims,
    authorization,
  })
}

/** What is known of a refusal, and what its sentence has to tell: what came, what was expected, what to write. */
const cures: readonly (readonly [AuthErrorCode, Known, readonly string[]])[] = [
  ['ERR_TOKEN_MISSING', {}, ['no `Authorization` field', 'a proxy or a redirect drops the field']],
  ['ERR_TOKEN_MISSING', { detail: 'DPoP is off' }, ['`dpop` is `off` here', "`dpop: 'allowed'`"]],
  ['ERR_TOKEN_MISSING', { authorization: 'eyJhbGci.e30.x' }, ['a token without a scheme']],
  ['ERR_TOKEN_MISSING', { authorization: 'Token eyJhbGci.e30.x' }, ['a scheme that is not served here']],
  ['ERR_TOKEN_MISSING', { authorization: 'eyes' }, ['a scheme that is not served here']],
  ['ERR_REQUEST_MALFORMED', {}, ['not exactly one token after it', 'no quotes, no comma']],
  ['ERR_REQUEST_MALFORMED', { detail: 'characters' }, ['a character that no access token may have']],
  ['ERR_REQUEST_AMBIGUOUS', {}, ['two access tokens', 'a proxy that adds the other one']],
  ['ERR_TOKEN_MALFORMED', {}, ['begins like a JWT and is none']],
  ['ERR_TOKEN_TOO_LARGE', {}, ['16 KiB', 'fewer claims']],
  ['ERR_TOKEN_ENCRYPTED', {}, ['encrypted (JWE)', 'Switch encryption of access tokens off']],
  ['ERR_TOKEN_UNRECOGNISED', {}, ['not a JWT', '`introspection`']],
  ['ERR_TOKEN_CRITICAL_HEADER', {}, ['`crit` or `b64`', 'switch it off']],
  [
    'ERR_TOKEN_KEY_UNKNOWN',
    { claims: { iss: 'https://i.test' }, header: { kid: 'k', alg: 'ES256' } },
    ['The issuer "https://i.test"', '`kid` "k" for "ES256"', 'key set at `jwks_uri`'],
  ],
  ['ERR_TOKEN_KEY_UNKNOWN', {}, ['The issuer nothing', '`kid` nothing for nothing']],
  ['ERR_TOKEN_SIGNATURE', { header: { kid: 'k' } }, ['`kid` "k"', 'changed on its way']],
  ['ERR_TOKEN_SIGNATURE', {}, ['`kid` nothing']],
  ['ERR_TOKEN_INACTIVE', {}, ['`active: false`', 'gets a new one']],
  ['ERR_TOKEN_REVOKED', { received: 'isRevoked' }, ['Your function `isRevoked`', 'has to give `false`']],
  ['ERR_TOKEN_REVOKED', { received: 'sid' }, ['this token by its "sid"', 'signs in again']],
  ['ERR_TOKEN_REFUSED', {}, ['exchanges it for no other one', '`cause`']],
  ['ERR_TOKEN_CONFIRMATION', { detail: 'mTLS is off' }, ['`mtls` is `off`', "`mtls: 'allowed'`"]],
  ['ERR_TOKEN_CONFIRMATION', {}, ['cannot be checked here', '`dangerouslyUnknownConfirmation`']],
  ['ERR_TOKEN_BOUND', {}, ['came as `Bearer`', '`Authorization: DPoP <token>`']],
  ['ERR_TOKEN_UNBOUND', { expected: 'jkt' }, ['"jkt" is missing in `cnf`', "`dpop: 'allowed'`"]],
  ['ERR_TOKEN_BINDING_MISMATCH', {}, ['another key than the one the token is bound to']],
  ['ERR_TOKEN_CERTIFICATE', {}, ['none, or another one', '`trustedProxies`']],
  ['ERR_PROOF_MISSING', {}, ['no `DPoP` field', 'a proof with every request']],
  ['ERR_PROOF_REPEATED', {}, ['several `DPoP` fields']],
  ['ERR_PROOF_MALFORMED', {}, ['"dpop+jwt"']],
  ['ERR_PROOF_ALGORITHM', { received: 'none', expected: ['ES256'] }, ['"none"', '"ES256"', '`dpop.algorithms`']],
  ['ERR_PROOF_KEY', {}, ['no usable public key in `jwk`']],
  ['ERR_PROOF_SIGNATURE', {}, ['private half of `jwk`']],
  ['ERR_PROOF_CLAIM', { detail: '`htu`' }, ['no usable `htu`:', '`ath` are needed']],
  ['ERR_PROOF_CLAIM', {}, ['no usable claim:']],
  ['ERR_PROOF_METHOD', { received: 'POST', expected: 'GET' }, ['the method "POST", the request is "GET"']],
  ['ERR_PROOF_TIME', { detail: 'exp', received: 1, expected: 'from 5' }, ['`exp` of the proof is 1', '"from 5"']],
  ['ERR_PROOF_TIME', {}, ['`iat` of the proof', '`dpop.nonce`']],
  ['ERR_PROOF_TOKEN_HASH', {}, ['`ath` has to be the SHA-256', 'after every renewal']],
  ['ERR_PROOF_REPLAYED', {}, ['`jti` was used before', 'retries included']],
  ['ERR_PROOF_NONCE', {}, ['normal traffic', '`DPoP-Nonce` of the answer']],
  ['ERR_STEP_UP_REQUIRED', { received: 'acr 1', expected: 'acr 2' }, ['"acr 1"', '"acr 2"', '`max_age`']],
  ['ERR_AUTHORIZATION_DETAILS', { received: 'a', expected: 'b' }, ['type "a"', 'demands "b"', 'RFC 9396']],
  ['ERR_CLAIM_REQUIREMENT', {}, ['`allow`, or the function `claims`']],
  [
    'ERR_CLAIM_REQUIREMENT',
    { detail: 'plan', received: 'free', expected: 'gold' },
    ['`plan` is "free"', 'demands "gold"'],
  ],
  ['ERR_ORIGIN_FORBIDDEN', {}, ['`allowedOrigins`']],
  ['ERR_HOST_FORBIDDEN', {}, ['`allowedHosts`', 'DNS rebinding']],
  ['ERR_STORE_UNAVAILABLE', {}, ['The store failed', 'nothing is let through', 'may retry']],
  ['ERR_STORE_UNAVAILABLE', { detail: 'isRevoked failed' }, ['Your function `isRevoked` failed']],
  [
    'ERR_TOKEN_STORE_LOCKED',
    { detail: 'somebody holds it' },
    ['The store of the tokens of users', 'somebody holds it.'],
  ],
  ['ERR_TOKEN_STORE_CORRUPT', {}, ['see `detail`']],
  ['ERR_GRANT_REFUSED', {}, ['see `cause` for its `error`']],
  ['ERR_GRANT_DENIED', {}, ['denies the user this downstream service']],
  ['ERR_GRANT_CONFIGURATION', {}, ['Check credential']],
  ['ERR_GRANT_UNAVAILABLE', {}, ['The token endpoint does not answer', 'may retry']],
  ['ERR_GRANT_MISSING', {}, ['Declare it with `grant(…)`']],
  ['ERR_CONFIGURATION', {}, ['Write this.']],
  ['ERR_INTERNAL', {}, ['Something threw']],
  ['ERR_TOKEN_TYPE', { claims: { token_use: 'id' } }, ['looks like an ID token']],
  ['ERR_TOKEN_TYPE', { claims: { typ: 'ID' } }, ['looks like an ID token']],
  ['ERR_TOKEN_TYPE', { claims: { nonce: 'n' } }, ['looks like an ID token']],
  ['ERR_TOKEN_TYPE', { claims: { c_hash: 'h' } }, ['looks like an ID token']],
  ['ERR_TOKEN_TYPE', { claims: { at_hash: 'h' } }, ['looks like an ID token']],
  ['ERR_TOKEN_TYPE', { claims: { typ: 'id' } }, ['does not follow RFC 9068']],
  ['ERR_TOKEN_TYPE', { claims: { token_use: 'ID' } }, ['does not follow RFC 9068']],
]

/** Why a server cannot be asked: what is to be done about it. */
const outages: readonly (readonly [detail: string | undefined, cure: string])[] = [
  ['unknown kid, and the issuer was asked too often', '`keys.unknown` events count them.'],
  ['network', 'no connection. In a container `localhost` is the container itself'],
  ['timeout', 'no answer in time.'],
  ['issuer_mismatch', 'Write `issuer` exactly as the document does'],
  ['insecure_url', '`allowInsecureLoopback` and `dangerouslyAllowInsecureHosts`'],
  ['private_address', 'Name the address in `jwksUri`.'],
  ['status', 'Look whether `issuer` is right'],
  ['no_usable_key', 'its key set has no key that can be used.'],
  ['credential_refused', 'Check `introspection.credential`.'],
  ['unheard of', 'be had: unheard of. '],
  [undefined, 'be had: no reason is known. '],
]

const targets: readonly (readonly [title: string, received: string, cure: string])[] = [
  ['another path', 'https://a.test/svc/me', 'pathPrefix'],
  ['the name behind the proxy', 'https://10.0.0.1/me', "targetOrigin: 'resource'"],
  ['another host and path', 'https://10.0.0.1/other', "targetOrigin: 'resource'"],
  ['http in place of https', 'http://a.test/me', "targetOrigin: 'resource'"],
  ['what is no URL', 'me', 'Compare `htu` with the URL the client called'],
]

const configured = 'https://i.test/realms/a'
const issuers: readonly (readonly [title: string, received: unknown, expected: string, tells: readonly string[]])[] = [
  ['a slash too many', `${configured}/`, configured, ['differ by a slash', `write \`issuer: "${configured}/"\``]],
  ['a slash too few', configured, `${configured}/`, ['differ by a slash', `write \`issuer: "${configured}"\``]],
  ['other case', 'https://I.test/realms/a', configured, ['upper and lower case']],
  ['http, where https is configured', 'http://i.test/realms/a', configured, ['http and https', 'set its public URL']],
  ['https, where http is configured', configured, 'http://i.test/realms/a', [`Write \`issuer: "${configured}"\`.`]],
  ['a second name of one server', 'https://kc/realms/a', configured, ['two names of one server', '`jwksUri`']],
  ['another server without a path', 'https://j.test/', 'https://i.test/', ['Add `issuer: "https://j.test/"` only if']],
  ['another realm', 'https://i.test/realms/b', configured, ['looks like Keycloak', 'another server or environment']],
  ['two texts that are no URLs', 'urn:a', 'accounts', ['Add `issuer: "urn:a"` only if you trust it.']],
  ['two texts of which neither is a URL', 'abc', 'accounts', ['the token is of another server']],
  ['an address within another name', 'urn:https:a', 'urn:a', ['the token is of another server']],
  [
    'the other version of Entra ID',
    'https://sts.windows.net/1a/',
    'https://login.microsoftonline.com/1a/v2.0',
    ['other version of Entra ID', "entra({ tenant: '1a'"],
  ],
  [
    'Entra ID, where another server is configured',
    'https://sts.windows.net/1a/',
    'https://i.test',
    ['looks like Entra ID (version 1)', 'another server or environment'],
  ],
  [
    'Entra ID in the path of another server',
    'https://i.test/?https://sts.windows.net/1a/',
    'https://login.microsoftonline.com/1a/v2.0',
    ['another server or environment'],
  ],
  ['what is no text', 5, configured, ['`iss` is 5', '`iss` has to be a text']],
]

describe('the cure in the sentence of a refusal', () => {
  it.each(cures)('[REAL-40] of %s with %j', (code, known, tells) => {
    for (const told of tells) expect(sentence(code, known)).toContain(told)
    expect(sentence(code, known)).toContain(
      ` See https://github.com/portcullis-auth/portcullis/blob/main/docs/troubleshooting.md#${code.toLowerCase()}`,
    )
  })

  it.each(outages)('[REAL-40] tells of an outage by %s', (detail, cure) => {
    for (const [code, what] of [
      ['ERR_ISSUER_UNAVAILABLE', 'The metadata of the authorization server cannot be had:'],
      ['ERR_KEYS_UNAVAILABLE', 'The keys of the authorization server cannot be had:'],
      ['ERR_INTROSPECTION_UNAVAILABLE', 'cannot be asked about the token:'],
    ] as const) {
      const text = sentence(code, { detail })
      expect(text).toContain(what)
      expect(text).toContain(
        cure.replace('be had:', what === 'cannot be asked about the token:' ? 'token:' : 'be had:'),
      )
      expect(text).toContain('The client may retry')
    }
  })

  it.each(targets)('[REAL-40] tells of a proof for %s', (_title, received, cure) => {
    const text = sentence('ERR_PROOF_TARGET', { received, expected: 'https://a.test/me' })
    expect(text).toContain(`The proof is for "${received}", the request is for "https://a.test/me"`)
    expect(text).toContain(cure)
  })

  it.each(issuers)('[REAL-40] tells of an issuer with %s', (_title, received, expected, tells) => {
    const text = sentence('ERR_TOKEN_ISSUER', { received: received as never, expected })
    for (const told of [`configured is "${expected}"`, ...tells]) expect(text).toContain(told)
  })

  it('[REAL-40] tells of an issuer what the token says, and that nothing is configured', () => {
    expect(sentence('ERR_TOKEN_ISSUER', { claims: { iss: 'https://a.test' } })).toContain(
      '`iss` is "https://a.test", configured is nothing: the token is of another server',
    )
    expect(sentence('ERR_TOKEN_ISSUER')).toContain('The token has no `iss`')
    const several = sentence('ERR_TOKEN_ISSUER', { received: 'https://b.test/', expected: ['x', 'https://b.test'] })
    expect(several).toContain('they differ by a slash')
  })
})
