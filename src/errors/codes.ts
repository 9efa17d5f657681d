/**
 * Every code of an `AuthError`. Does not say how it is answered: its class does. A code belongs to one class alone. Those of
 * the client are in `client-codes.ts`: who only guards an API does not load them.
 */
import type { ClientErrorCode } from './client-codes.js'

/**
 * Every reason for a refusal, with the text a client may see. The text is fixed: it never holds a claim value, a key,
 * or any part of a token. `docs/errors.md` explains each code; adding one is a minor change, removing one a major one.
 *
 * @group Errors
 */
export const errorDescriptions = Object.freeze({
  ERR_TOKEN_MISSING: 'No access token was sent',
  ERR_REQUEST_MALFORMED: 'The credentials in the request are malformed',
  ERR_REQUEST_AMBIGUOUS: 'The request carries more than one access token',

  ERR_TOKEN_MALFORMED: 'The access token is malformed',
  ERR_TOKEN_TOO_LARGE: 'The access token is too large',
  ERR_TOKEN_ENCRYPTED: 'Encrypted access tokens are not accepted here',
  ERR_TOKEN_TYPE: 'The token is not an access token of an accepted type',
  ERR_TOKEN_ALGORITHM: 'The access token is signed with an algorithm that is not accepted',
  ERR_TOKEN_CRITICAL_HEADER: 'The access token demands an extension that is not supported',
  ERR_TOKEN_ISSUER: 'The access token comes from an issuer that is not trusted here',
  ERR_TOKEN_KEY_UNKNOWN: 'The access token is signed with a key its issuer does not publish',
  ERR_TOKEN_SIGNATURE: 'The signature of the access token is not valid',
  ERR_TOKEN_AUDIENCE: 'The access token is meant for another audience',
  ERR_TOKEN_EXPIRED: 'The access token expired',
  ERR_TOKEN_NOT_YET_VALID: 'The access token is not valid yet',
  ERR_TOKEN_TOO_OLD: 'The access token was issued too long ago',
  ERR_TOKEN_CLAIM_MISSING: 'A required claim is missing in the access token',
  ERR_TOKEN_CLAIM_INVALID: 'A claim of the access token has an unusable value',
  ERR_TOKEN_INACTIVE: 'The access token is not active',
  ERR_TOKEN_REVOKED: 'The access token was revoked',
  ERR_TOKEN_REFUSED: 'The authorization server no longer accepts the access token',
  ERR_TOKEN_UNRECOGNISED: 'The access token is of a kind that is not accepted here',
  ERR_TOKEN_CONFIRMATION: 'The access token is bound in a way that cannot be checked here',
  ERR_TOKEN_BOUND: 'The access token is bound to a key and cannot be sent as a Bearer token',
  ERR_TOKEN_UNBOUND: 'The access token is not bound to a key',
  ERR_TOKEN_BINDING_MISMATCH: 'The access token is bound to another key',
  ERR_TOKEN_CERTIFICATE: 'The access token is bound to a client certificate that was not presented',

  ERR_PROOF_MISSING: 'The DPoP proof is missing',
  ERR_PROOF_REPEATED: 'The request carries more than one DPoP proof',
  ERR_PROOF_MALFORMED: 'The DPoP proof is malformed',
  ERR_PROOF_ALGORITHM: 'The DPoP proof is signed with an algorithm that is not accepted',
  ERR_PROOF_KEY: 'The DPoP proof holds an unusable key',
  ERR_PROOF_SIGNATURE: 'The signature of the DPoP proof is not valid',
  ERR_PROOF_CLAIM: 'A claim of the DPoP proof is missing or has an unusable value',
  ERR_PROOF_METHOD: 'The DPoP proof is meant for another method',
  ERR_PROOF_TARGET: 'The DPoP proof is meant for another URI',
  ERR_PROOF_TIME: 'The DPoP proof is outside the accepted time window',
  ERR_PROOF_TOKEN_HASH: 'The DPoP proof belongs to another access token',
  ERR_PROOF_REPLAYED: 'The DPoP proof was used before',
  ERR_PROOF_NONCE: 'Resource server requires nonce in DPoP proof',

  ERR_STEP_UP_REQUIRED: 'A more recent or stronger authentication is required',
  ERR_SCOPE_INSUFFICIENT: 'The access token does not grant the required scope',
  ERR_AUTHORIZATION_DETAILS: 'The access token does not carry the required authorization details',
  ERR_ROLE_INSUFFICIENT: 'The access token does not grant the required role',
  ERR_CLAIM_REQUIREMENT: 'The access token does not meet the requirements of this route',
  ERR_ORIGIN_FORBIDDEN: 'Requests from this origin are not accepted',
  ERR_HOST_FORBIDDEN: 'Requests to this host are not accepted',

  ERR_ISSUER_UNAVAILABLE: 'The authorization server cannot be reached',
  ERR_KEYS_UNAVAILABLE: 'The keys of the authorization server cannot be fetched',
  ERR_INTROSPECTION_UNAVAILABLE: 'The access token cannot be checked at present',
  ERR_STORE_UNAVAILABLE: 'A store this server depends on cannot be reached',

  ERR_TOKEN_STORE_UNAVAILABLE: 'The store of the tokens cannot be reached',
  ERR_TOKEN_STORE_LOCKED: 'The store of the tokens is locked',
  ERR_TOKEN_STORE_CORRUPT: 'What the store of the tokens holds is damaged or not what was put there',
  ERR_TOKEN_STORE_INSECURE: 'The store of the tokens is open to other users of the machine',
  ERR_TOKEN_STORE_CONFIGURATION: 'The store of the tokens cannot do what is asked of it',

  ERR_GRANT_REFUSED: 'The authorization server refused a token for a downstream service',
  ERR_GRANT_DENIED: 'The authorization server denied access to a downstream service',
  ERR_GRANT_CONFIGURATION: 'This server is not configured to get tokens for a downstream service',
  ERR_GRANT_UNAVAILABLE: 'A token for a downstream service cannot be obtained at present',
  ERR_GRANT_MISSING: 'No token for that downstream service was asked for',

  ERR_CONFIGURATION: 'The server is not configured correctly',
  ERR_INTERNAL: 'The request could not be handled',
} as const)

/** The reasons of an `AuthError`. @group Errors */
export type AuthErrorCode = keyof typeof errorDescriptions

/** The closed union of reasons. @group Errors */
export type ErrorCode = AuthErrorCode | ClientErrorCode
