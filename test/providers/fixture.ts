import type { IssuerOptions, JsonObject } from 'portcullis'

/** What all fixtures are judged for. */
export const resource = 'https://api.example.com'

/** One token of a provider, as plain data: `alg`, `kid`, `iss`, `aud`, `iat` and `exp` are added where it does not name them. */
export interface TokenShape {
  readonly header: JsonObject
  readonly claims: JsonObject
}

/** A token that has to be refused, and with which code. */
export interface RefusedShape extends TokenShape {
  readonly code: string
}

/** What `auth` says of an accepted token, as far as the preset decides it. */
export interface Reading {
  readonly subject?: string
  readonly clientId?: string | undefined
  readonly scopes?: readonly string[]
  readonly roles?: readonly string[]
  readonly tenant?: string | undefined
  readonly isClientToken?: boolean | undefined
}

/** A provider: its preset with parameters, its documents and its tokens. */
export interface ProviderFixture {
  readonly name: string
  readonly options: IssuerOptions
  readonly algorithm: 'RS256' | 'ES256'
  /** What its access tokens have as `aud`; `undefined`: no `aud`. */
  readonly audience: string | readonly string[] | undefined
  /** Members of its metadata document besides `issuer`; `undefined` where it has none. */
  readonly metadata: JsonObject | undefined
  /** Members of its keys besides those of the test kit. */
  readonly jwk?: JsonObject
  readonly accepted: Readonly<Record<string, TokenShape & { readonly reads: Reading }>>
  readonly refused: Readonly<Record<string, RefusedShape>>
}

/** An accepted token, and what `auth` says of it. */
export function accepts(
  header: JsonObject,
  claims: JsonObject,
  reads: Reading,
): TokenShape & { readonly reads: Reading } {
  return { header, claims, reads }
}

/** A refused token. Most are of the wrong kind. */
export function refuses(header: JsonObject, claims: JsonObject, code = 'ERR_TOKEN_TYPE'): RefusedShape {
  return { header, claims, code }
}

/** The endpoints most documents have, in the spelling of one provider. */
export function endpoints(base: string, jwks: string, more: JsonObject = {}): JsonObject {
  return {
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
    jwks_uri: jwks,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    ...more,
  }
}
