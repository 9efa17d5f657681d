/**
 * What the grant engine needs of an OAuth client; `createOAuthClient` of `portcullis/client` gives it.
 *
 * @group Grants
 */
export interface GrantClient {
  readonly issuer: string
  /** A part of the cache key. While it is `undefined`, tokens are shared with no other process. */
  readonly clientId: string | undefined
  /** RFC 8693, with every check of the answer that does not depend on the grant. */
  exchangeToken(params: ExchangeParams, options: ExchangeCallOptions): Promise<ExchangedToken>
  /** The key downstream tokens are bound to, where this client asks for bound ones. */
  readonly dpop?: GrantProofs | undefined
}

/** How long an exchange may take. @group Grants */
export interface ExchangeCallOptions {
  /** Tells the request in logs of both sides; see `Auth.correlationId`. */
  readonly correlationId: string
  /** Aborted when the caller waits no longer. */
  readonly signal: AbortSignal
  /** Time for the whole call, repetitions and pauses included. A little less than until `signal` aborts. */
  readonly totalTimeoutMs: number
}

/** What is asked of the token endpoint. @group Grants */
export interface ExchangeParams {
  readonly subjectToken: string
  readonly resource?: readonly string[]
  readonly audience?: readonly string[]
  readonly scope?: readonly string[]
  readonly requestedTokenType?: string
  readonly actor?: { readonly token: string; readonly type: string }
}

/** The answer to an exchange. @group Grants */
export interface ExchangedToken {
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP' | 'N_A'
  /** In seconds since the Unix epoch; `undefined` when the server did not say. */
  readonly expiresAt: number | undefined
  /** The granted scopes; those requested where the server named none. */
  readonly scope: readonly string[]
  readonly issuedTokenType: string | undefined
}

/** Makes DPoP proofs for requests to resource servers (RFC 9449 §4.2). @group Grants */
export interface GrantProofs {
  /** The thumbprint of the proof key (RFC 7638). */
  thumbprint(): Promise<string>
  /** A proof for one request. */
  proof(request: {
    readonly method: string
    readonly url: string
    readonly accessToken: string
    readonly nonce?: string | undefined
  }): Promise<string>
}
