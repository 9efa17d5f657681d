/** Every code of the OAuth client, of login and of the command line. The codes of an `AuthError` are in `codes.ts`. */

/** The families of client failures, for dashboards and coarse decisions. @group Client errors */
export type ClientErrorCategory =
  | 'auth'
  | 'validation'
  | 'network'
  | 'rate_limit'
  | 'server'
  | 'dpop'
  | 'pkce'
  | 'login'

/** What is known of a failure by its code alone. @group Client errors */
export interface ClientErrorTraits {
  readonly category: ClientErrorCategory
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean
  /** Fixed text. */
  readonly message: string
}

function traits(category: ClientErrorCategory, message: string, retryable = false): ClientErrorTraits {
  return { category, retryable, message }
}

/**
 * Every reason why a call of the OAuth client fails. The texts are fixed; they never hold any part of a token.
 * `docs/errors.md` explains each code. Adding a code is a minor change, removing one a major one.
 *
 * @group Client errors
 */
export const clientErrorTraits = {
  ERR_CLIENT_ARGUMENT: traits('validation', 'The OAuth client was called with an unusable argument'),
  ERR_CLIENT_CLOSED: traits('validation', 'The OAuth client is closed'),
  ERR_CREDENTIAL_UNAVAILABLE: traits('validation', 'The credential of this client cannot be obtained'),
  ERR_CREDENTIAL_EXPIRED: traits('validation', 'The assertion this client authenticates with has expired'),
  ERR_CREDENTIAL_ISSUER: traits('validation', 'No credential is configured for this authorization server'),
  ERR_ENDPOINT_MISSING: traits('validation', 'The authorization server publishes no endpoint for this operation'),
  ERR_INVALID_SCOPE: traits('validation', 'The authorization server refused the requested scope'),
  ERR_RESOURCE_METADATA: traits('validation', 'The protected resource publishes no metadata that is its own'),
  ERR_RESOURCE_ISSUER: traits('validation', 'The protected resource names no authorization server that may be used'),
  ERR_CLIENT_UNKNOWN: traits(
    'validation',
    'This client is not known at the authorization server, and cannot become known',
  ),
  ERR_PKCE_UNSUPPORTED: traits('pkce', 'The authorization server does not say that it supports PKCE with S256'),
  ERR_PKCE_VERIFIER: traits('pkce', 'A PKCE verifier has 43 to 128 characters of A-Z a-z 0-9 - . _ ~'),

  ERR_NETWORK: traits('network', 'The connection to the authorization server failed', true),
  ERR_CONNECTION: traits('network', 'No connection to the authorization server can be made', true),
  ERR_TIMEOUT: traits('network', 'The authorization server did not answer in time', true),
  ERR_ABORTED: traits('network', 'The call was aborted'),
  ERR_REDIRECT_REFUSED: traits('network', 'The authorization server answered with a redirect, which is never followed'),
  ERR_INSECURE_URL: traits('network', 'Requests go to https URLs only'),
  ERR_PRIVATE_ADDRESS: traits('network', 'The metadata names a host that is not on the public internet'),
  ERR_CIRCUIT_OPEN: traits('server', 'The endpoint failed repeatedly and is not asked for a while', true),
  ERR_RATE_LIMITED: traits('rate_limit', 'The authorization server limits the rate of requests', true),
  ERR_QUOTA_EXCEEDED: traits('rate_limit', 'The quota of this client at the authorization server is used up', true),
  ERR_UNAVAILABLE: traits('server', 'The authorization server is not available for a while', true),
  ERR_SERVER_FAILURE: traits('server', 'The authorization server failed', true),
  ERR_HTTP_STATUS: traits('server', 'The authorization server answered with an unexpected status'),
  ERR_RESPONSE_TOO_LARGE: traits('server', 'The answer of the authorization server is too large'),
  ERR_RESPONSE_MALFORMED: traits('server', 'The answer of the authorization server is malformed'),
  ERR_DISCOVERY_UNAVAILABLE: traits('server', 'The metadata of the authorization server cannot be fetched', true),
  ERR_DISCOVERY_INVALID: traits('server', 'The authorization server publishes no usable metadata'),
  ERR_DISCOVERY_ISSUER: traits('server', 'The metadata document names another issuer'),
  ERR_UNEXPECTED: traits('server', 'The call failed for an unexpected reason'),

  ERR_INVALID_CLIENT: traits('auth', 'The authorization server refused the authentication of this client'),
  ERR_INVALID_GRANT: traits('auth', 'The authorization server refused the grant'),
  ERR_INVALID_REQUEST: traits('auth', 'The authorization server refused the request'),
  ERR_INVALID_TARGET: traits('auth', 'The authorization server refused the target resource'),
  ERR_INVALID_TOKEN: traits('auth', 'The authorization server refused the access token'),
  ERR_UNAUTHORIZED_CLIENT: traits('auth', 'This client may not use this grant'),
  ERR_UNSUPPORTED_GRANT_TYPE: traits('auth', 'The authorization server does not support this grant'),
  ERR_UNSUPPORTED_TOKEN_TYPE: traits('auth', 'The authorization server does not revoke this type of token'),
  ERR_INTERACTION_REQUIRED: traits('auth', 'The authorization server needs the user: consent, login or a step-up'),
  ERR_INVALID_REDIRECT_URI: traits('auth', 'The authorization server refused a redirect URI'),
  ERR_INVALID_CLIENT_METADATA: traits('auth', 'The authorization server refused the client metadata'),
  ERR_INVALID_SOFTWARE_STATEMENT: traits('auth', 'The authorization server refused the software statement'),
  ERR_UNAPPROVED_SOFTWARE_STATEMENT: traits('auth', 'The authorization server has not approved the software'),
  ERR_REFUSED: traits('auth', 'The authorization server refused the request for a reason of its own'),
  ERR_REGISTRATION_UNUSABLE: traits('auth', 'The registration came back with settings this client cannot use'),
  ERR_TOKEN_TYPE_UNUSABLE: traits('auth', 'The token is of a type that cannot be used here'),
  ERR_ISSUED_TOKEN_TYPE: traits('auth', 'The exchange did not yield the type of token that was asked for'),

  ERR_DPOP_PROOF: traits('dpop', 'The authorization server refused the DPoP proof'),
  ERR_DPOP_NONCE: traits('dpop', 'The authorization server kept asking for another DPoP nonce'),
  ERR_DPOP_NOT_BOUND: traits('dpop', 'The authorization server issued a token that is not bound to the DPoP key'),

  ERR_LOGIN_TRANSACTION: traits('login', 'The login was not started here, was finished before, or took too long'),
  ERR_LOGIN_STATE: traits('login', 'The answer to the login does not belong to this login'),
  ERR_LOGIN_ISSUER: traits('login', 'The answer to the login comes from another authorization server'),
  ERR_LOGIN_RESPONSE: traits('login', 'The answer to the login is malformed'),
  ERR_LOGIN_SUBJECT: traits('login', 'The authorization server does not say who the user is, or names another one'),
  ERR_USERINFO_INVALID: traits('login', 'The signed userinfo is not valid'),
  ERR_LOGIN_DENIED: traits('login', 'The login was denied'),
  ERR_LOGIN_REFUSED: traits('login', 'The authorization server refused the login'),
  ERR_SESSION_TOO_LARGE: traits('login', 'The session is too large to be kept'),
  ERR_LOGOUT_TOKEN: traits('login', 'The logout token is not valid'),
  ERR_LOGIN_TIMEOUT: traits('login', 'The login was not finished in time'),
  ERR_LOGIN_CANCELLED: traits('login', 'The login was given up'),
  ERR_LOOPBACK_UNAVAILABLE: traits('login', 'No address of this machine can be listened on'),

  ERR_ID_TOKEN_MISSING: traits('login', 'The authorization server issued no ID token'),
  ERR_ID_TOKEN_MALFORMED: traits('login', 'The ID token is malformed'),
  ERR_ID_TOKEN_SIGNATURE: traits('login', 'The signature of the ID token is not valid'),
  ERR_ID_TOKEN_ISSUER: traits('login', 'The ID token comes from another issuer'),
  ERR_ID_TOKEN_AUDIENCE: traits('login', 'The ID token is meant for another client'),
  ERR_ID_TOKEN_EXPIRED: traits('login', 'The ID token expired, or is not valid yet'),
  ERR_ID_TOKEN_NONCE: traits('login', 'The ID token belongs to another login'),
  ERR_ID_TOKEN_AUTH_TIME: traits('login', 'The user signed in too long ago'),
  ERR_ID_TOKEN_ACR: traits('login', 'The user did not sign in the way that was asked for'),
  ERR_ID_TOKEN_HASH: traits('login', 'The ID token does not belong to the access token or the code beside it'),
  ERR_ID_TOKEN_SUBJECT_CHANGED: traits('login', 'The refreshed ID token is about another login'),

  ERR_REAUTHENTICATION_REQUIRED: traits('login', 'The user has to sign in again'),
} as const satisfies Record<string, ClientErrorTraits>

/** The reasons of an `OAuthClientError`. @group Client errors */
export type ClientErrorCode = keyof typeof clientErrorTraits
