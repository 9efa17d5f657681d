/** One sentence per refusal: what came, what was expected, what to write. Does NOT judge, and repeats no token. */
import type { AuthError, AuthErrorCode } from '../errors/index.js'
import { claimSentences } from './claim-sentences.js'
import { issuerSentence } from './issuer-sentences.js'
import { providerBySight } from './provider-by-sight.js'
import { quote, quoted, type Refusal, type Sentence } from './refusal.js'

const retry = 'The client may retry: this is no fault of its token.'

const sentences: Readonly<Record<AuthErrorCode, Sentence>> = {
  ...claimSentences,
  ERR_TOKEN_MISSING: missingToken,
  ERR_REQUEST_MALFORMED: ({ error }) =>
    error.detail === undefined
      ? '`Authorization` has a scheme and not exactly one token after it. Send `Bearer`, one space, and the token: no quotes, no comma.'
      : 'The token holds a character that no access token may have. Look for quotes, blanks or percent signs around it.',
  ERR_REQUEST_AMBIGUOUS:
    'The request carries two access tokens. Send one, in `Authorization`, and look for a proxy that adds the other one.',
  ERR_TOKEN_MALFORMED:
    'The token begins like a JWT and is none. Look for a token that was cut short, quoted, or decoded on its way.',
  ERR_TOKEN_TOO_LARGE:
    'The token has more than 16 KiB. Have the authorization server put fewer claims into it: groups and roles above all.',
  ERR_TOKEN_ENCRYPTED:
    'The token is encrypted (JWE), and only its server can read it. Switch encryption of access tokens off for this API. Auth0 issues such tokens to clients that ask without `audience`.',
  ERR_TOKEN_UNRECOGNISED:
    'The token is not a JWT. If your server issues opaque tokens, give one issuer `introspection`. If it issues JWTs, the client asked for no API: with Auth0 it has to send `audience`, elsewhere `resource`.',
  ERR_TOKEN_TYPE: wrongType,
  ERR_TOKEN_ALGORITHM: wrongAlgorithm,
  ERR_TOKEN_CRITICAL_HEADER:
    'The header demands an extension (`crit` or `b64`). No extension is supported: switch it off at the authorization server.',
  ERR_TOKEN_ISSUER: issuerSentence,
  ERR_TOKEN_KEY_UNKNOWN: ({ header, claims }) =>
    `The issuer ${quote(claims?.['iss'])} publishes no key with \`kid\` ${quote(header?.['kid'])} for ${quote(header?.['alg'])}. The token is of another environment under the same name, or its key is not published yet: compare \`kid\` with the key set at \`jwks_uri\`.`,
  ERR_TOKEN_SIGNATURE: ({ header }) =>
    `No key with \`kid\` ${quote(header?.['kid'])} made this signature. The token was changed on its way, or it is of another environment whose key has the same \`kid\`.`,
  ERR_TOKEN_INACTIVE:
    'The authorization server answered `active: false`: the token expired, was revoked, or is of another server. The client gets a new one.',
  ERR_TOKEN_REVOKED: ({ error }) =>
    error.received === 'isRevoked'
      ? 'Your function `isRevoked` gave something other than `false`. It has to give `false` for every token that is still good.'
      : `\`server.revoke\`, or a logout, revoked this token by its ${quoted(error.received)}. The client signs in again.`,
  ERR_TOKEN_REFUSED:
    'The token is good here, and its server exchanges it for no other one: the session is over, or this service may not exchange tokens of that client. The client signs in again; see `cause`.',
  ERR_TOKEN_CONFIRMATION: ({ error }) =>
    error.detail === 'mTLS is off'
      ? "The token is bound to a certificate, and `mtls` is `off` here. Write `mtls: 'allowed'`, and `certificateFrom` behind a proxy."
      : '`cnf` binds the token in a way that cannot be checked here. Use DPoP (`jkt`) or certificates (`x5t#S256`); for tokens whose `cnf` may be ignored see `dangerouslyUnknownConfirmation`.',
  ERR_TOKEN_BOUND:
    'The token is bound to a DPoP key and came as `Bearer`. Send `Authorization: DPoP <token>` with a fresh proof in the field `DPoP`. A client that never had the key has a stolen token.',
  ERR_TOKEN_UNBOUND: ({ error }) =>
    `The token is not bound: ${quoted(error.expected)} is missing in \`cnf\`. Have the client ask for a bound token, send an unbound one as \`Bearer\`, or write \`dpop: 'allowed'\` and \`mtls: 'allowed'\` for this route.`,
  ERR_TOKEN_BINDING_MISMATCH:
    'The proof is signed by another key than the one the token is bound to. The client has to keep the key it got the token with.',
  ERR_TOKEN_CERTIFICATE:
    'The token is bound to a client certificate, and this connection showed none, or another one. Behind a proxy that ends TLS, write `trustedProxies` and `mtls: { certificateFrom: … }`.',
  ERR_PROOF_MISSING: 'The scheme is `DPoP`, and the request has no `DPoP` field. Send a proof with every request.',
  ERR_PROOF_REPEATED: 'The request has several `DPoP` fields. Send one, and look for a proxy that adds another.',
  ERR_PROOF_MALFORMED: 'The proof is no JWT of `typ` "dpop+jwt" (RFC 9449 §4.2).',
  ERR_PROOF_ALGORITHM: ({ error }) =>
    `The proof is signed with ${quoted(error.received)}, accepted is ${quoted(error.expected)}. Pick one that \`algs\` of the challenge names, or list it in \`dpop.algorithms\`.`,
  ERR_PROOF_KEY:
    'The header of the proof has no usable public key in `jwk`: none, a private one, or one of another kind than `alg`.',
  ERR_PROOF_SIGNATURE: 'The key in the proof did not make its signature. Sign with the private half of `jwk`.',
  ERR_PROOF_CLAIM: ({ error }) =>
    `The proof has no usable ${error.detail ?? 'claim'}: \`jti\`, \`htm\`, \`htu\`, \`iat\` and \`ath\` are needed (RFC 9449 §4.2).`,
  ERR_PROOF_METHOD: ({ error }) =>
    `The proof is for the method ${quoted(error.received)}, the request is ${quoted(error.expected)}. Make a proof for each request.`,
  ERR_PROOF_TARGET: wrongTarget,
  ERR_PROOF_TIME: ({ error }) =>
    `\`${error.detail ?? 'iat'}\` of the proof is ${quoted(error.received)}, accepted is ${quoted(error.expected)}. Compare the clocks, make a new proof for each attempt, or use \`dpop.nonce\`, which needs no clock of the client.`,
  ERR_PROOF_TOKEN_HASH:
    'The proof is for another access token: `ath` has to be the SHA-256 of this one. Make a new proof after every renewal of the token.',
  ERR_PROOF_REPLAYED: 'A proof with this `jti` was used before. Make a new proof for each request, retries included.',
  ERR_PROOF_NONCE:
    'This server wants its own nonce in the proof. That is normal traffic: the client repeats the request with the `DPoP-Nonce` of the answer.',
  ERR_STEP_UP_REQUIRED: ({ error }) =>
    `The sign-in of the user is not good enough: it has ${quoted(error.received)}, demanded is ${quoted(error.expected)}. The client sends the user to sign in again with the \`acr_values\` and \`max_age\` of the challenge. Without \`acr\` and \`auth_time\` in the token no sign-in is good enough: have the server add them.`,
  ERR_AUTHORIZATION_DETAILS: ({ error }) =>
    `The token grants authorization details of type ${quoted(error.received)}, this route demands ${quoted(error.expected)}. The client asks for them with \`authorization_details\` (RFC 9396).`,
  ERR_CLAIM_REQUIREMENT: ({ error }) =>
    error.detail === undefined
      ? '`allow`, or the function `claims` of this route, gave something other than `true`.'
      : `The claim \`${error.detail}\` is ${quoted(error.received)}, this route demands ${quoted(error.expected)} in \`claims\`.`,
  ERR_ORIGIN_FORBIDDEN: 'The page at this `Origin` may not call here. List it in `allowedOrigins` of the gate.',
  ERR_HOST_FORBIDDEN:
    'The request is for another `Host` than this server has: DNS rebinding, or a name that is missing in `allowedHosts` of the gate.',
  ERR_ISSUER_UNAVAILABLE: ({ error }) =>
    `The metadata of the authorization server cannot be had: ${outage(error)} ${retry}`,
  ERR_KEYS_UNAVAILABLE: ({ error }) => `The keys of the authorization server cannot be had: ${outage(error)} ${retry}`,
  ERR_INTROSPECTION_UNAVAILABLE: ({ error }) =>
    `The authorization server cannot be asked about the token: ${outage(error)} ${retry}`,
  ERR_STORE_UNAVAILABLE: ({ error }) =>
    `${error.detail === 'isRevoked failed' ? 'Your function `isRevoked`' : `The ${error.detail ?? 'store'}`} failed, so that nothing is let through. See \`cause\`. ${retry}`,
  ERR_TOKEN_STORE_UNAVAILABLE: tokenStore,
  ERR_TOKEN_STORE_LOCKED: tokenStore,
  ERR_TOKEN_STORE_CORRUPT: tokenStore,
  ERR_TOKEN_STORE_INSECURE: tokenStore,
  ERR_TOKEN_STORE_CONFIGURATION: tokenStore,
  ERR_GRANT_REFUSED:
    'The authorization server refused a downstream token: see `cause` for its `error`. Check that this service may exchange tokens, and the `audience` or `resource` of the grant.',
  ERR_GRANT_DENIED: 'The authorization server denies the user this downstream service. Nothing to mend here.',
  ERR_GRANT_CONFIGURATION:
    'The authorization server calls the request for a downstream token wrong: see `cause`. Check credential, `audience`, `resource` and scope of the grant.',
  ERR_GRANT_UNAVAILABLE: `The token endpoint does not answer, so that there is no downstream token. ${retry}`,
  ERR_GRANT_MISSING:
    'The handler asked for a downstream token that no grant of the route declares. Declare it with `grant(…)`, or `await access.acquire(…)` first.',
  ERR_CONFIGURATION: ({ error }) => error.message,
  ERR_INTERNAL: ({ error }) =>
    error.callback === undefined
      ? 'Something threw that should not have. See `cause`.'
      : `Your function \`${error.callback}\` threw, or gave a promise where it has to answer at once. See \`cause\`.`,
}

const page = 'https://github.com/portcullis-auth/portcullis/blob/main/docs/troubleshooting.md'

/**
 * What is wrong with a refused request, what to write, and where there is more about it. Bounded, and free of tokens.
 */
export function refusalSentence(refusal: Refusal): string {
  const { code } = refusal.error
  const sentence = sentences[code]
  return `${typeof sentence === 'function' ? sentence(refusal) : sentence} See ${page}#${code.toLowerCase()}`
}

/** Its detail says what failed and how to mend it. */
function tokenStore({ error }: Refusal): string {
  return `The store of the tokens of users failed: ${error.detail ?? 'see `detail`'}.`
}

function missingToken({ error, authorization }: Refusal): string {
  if (error.detail === 'DPoP is off')
    return "The token came by the scheme `DPoP`, and `dpop` is `off` here. Send it as `Bearer`, or write `dpop: 'allowed'`."
  if (authorization === undefined)
    return 'The request has no `Authorization` field. Send `Authorization: Bearer <token>`; look whether a proxy or a redirect drops the field.'
  if (/^ey[\w-]+\./.test(authorization))
    return '`Authorization` holds a token without a scheme. Write `Bearer` and one space before it.'
  return '`Authorization` has a scheme that is not served here. Send `Bearer <token>`.'
}

function wrongType({ error, header, claims = {} }: Refusal): string {
  const typ = `\`typ\` is ${header?.['typ'] === undefined ? 'missing' : quote(header['typ'])}`
  const isKind = error.expected === 'an access token'
  const came = isKind
    ? `The payload does not show an access token (${typ}; ${quoted(error.received)})`
    : `${typ}, expected ${quoted(error.expected)}`
  if (isIdToken(claims)) return `${came}: this looks like an ID token. Send the access token instead.`
  if (error.detail === 'the payload names another kind of token') {
    return `The payload names itself another kind of token (${quoted(error.received)}). Send the access token.`
  }
  const provider = providerBySight(claims['iss'])
  if (provider !== undefined)
    return `${came}: this looks like a token of ${provider.name}. Write \`issuer: ${provider.preset}\`, from portcullis/providers.`
  if (isKind)
    return `${came}. Name what the access tokens of this issuer carry, and no other token of it, in \`accessTokenEvidence\`.`
  return `${came}: the server does not follow RFC 9068. Take its preset from portcullis/providers, or write \`tokenTypes: ['at+jwt', 'JWT']\` for this issuer.`
}

function isIdToken(claims: Readonly<Record<string, unknown>>): boolean {
  return (
    claims['typ'] === 'ID' ||
    claims['token_use'] === 'id' ||
    ['nonce', 'at_hash', 'c_hash'].some((name) => Object.hasOwn(claims, name))
  )
}

function wrongAlgorithm({ error, header }: Refusal): string {
  const alg = header?.['alg']
  const came = `The token is signed with ${quote(alg)}, accepted is ${quoted(error.expected)}`
  if (typeof alg === 'string' && alg.startsWith('HS'))
    return `${came}: a shared secret, which every service that checks tokens could sign with. Switch the server to RS256 or ES256.`
  if (alg === 'none') return `${came}: it is not signed at all, and never accepted.`
  return `${came}. Change the algorithm at the server, or list it in \`algorithms\` of the issuer.`
}

function wrongTarget({ error }: Refusal): string {
  const came = `The proof is for ${quoted(error.received)}, the request is for ${quoted(error.expected)}`
  const [expected] = [error.expected].flat()
  const [own, named] = [String(expected), String(error.received)].map((text) =>
    URL.canParse(text) ? new URL(text) : undefined,
  )
  if (own === undefined || named === undefined) return `${came}. Compare \`htu\` with the URL the client called.`
  if (own.pathname !== named.pathname && own.host === named.host)
    return `${came}: the paths differ. If a proxy strips the beginning of the path, write \`dpop: { pathPrefix: '/…' }\`.`
  return `${came}: TLS or the host name ends at a proxy. Write \`dpop: { targetOrigin: 'resource' }\`, or \`'x-forwarded'\` with \`trustedProxies\`.`
}

const outages: Readonly<Record<string, string>> = {
  'unknown kid, and the issuer was asked too often':
    'the token names one that is not held, and the server was asked for unknown ones too often. Look for tokens of another environment, or for somebody who invents names: `keys.unknown` events count them.',
  network: 'no connection. In a container `localhost` is the container itself: name the host of the server.',
  timeout: 'no answer in time.',
  issuer_mismatch: 'its metadata names another issuer. Write `issuer` exactly as the document does, slash included.',
  insecure_url:
    'it names an address that is not https. In development see `allowInsecureLoopback` and `dangerouslyAllowInsecureHosts`.',
  private_address: 'its metadata names a host that is not on the public internet. Name the address in `jwksUri`.',
  status: 'it answered with another status than 200. Look whether `issuer` is right: its metadata stand below it.',
  no_usable_key: 'its key set has no key that can be used.',
  credential_refused: 'it refused the credential of this server. Check `introspection.credential`.',
}

function outage({ detail }: AuthError): string {
  return outages[detail ?? ''] ?? `${detail ?? 'no reason is known'}.`
}
