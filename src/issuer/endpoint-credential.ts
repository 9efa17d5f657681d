/**
 * How one request to an endpoint of an authorization server is authenticated, as far as resource server and client have to
 * agree on it. Makes no credential: those are in `portcullis/client`.
 */

/**
 * Authenticates one request to an introspection endpoint by adding header fields or form parameters.
 *
 * @group Resource server
 */
export interface IntrospectionCredential {
  /**
   * Asked anew for every request, so that nothing stale is sent. What it throws fails the request: 503.
   *
   * @param target - where the request goes: the issuer and the endpoint.
   */
  authenticate(target: {
    readonly issuer: string
    readonly endpoint: string
  }): CredentialFields | Promise<CredentialFields>
}

/** What a credential adds to a request. @group Resource server */
export interface CredentialFields {
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly form?: Readonly<Record<string, string>> | undefined
}
