/** The endpoints of a test issuer. Both kinds of discovery are endpoints of their own. @group Testing */
export type IssuerEndpoint = 'oauthMetadata' | 'openidConfiguration' | 'jwks' | 'introspection' | 'token'

/** All of them. */
export const issuerEndpoints: readonly IssuerEndpoint[] = [
  'oauthMetadata',
  'openidConfiguration',
  'jwks',
  'introspection',
  'token',
]

/** Which endpoint of `issuer` a path belongs to. */
export function endpointAt(issuer: string, path: string): IssuerEndpoint | undefined {
  const base = issuerPath(issuer)
  switch (path) {
    case `/.well-known/oauth-authorization-server${base}`:
      return 'oauthMetadata'
    case `${base}/.well-known/openid-configuration`:
    case `/.well-known/openid-configuration${base}`:
      return 'openidConfiguration'
    case `${base}/jwks`:
      return 'jwks'
    case `${base}/introspect`:
      return 'introspection'
    case `${base}/token`:
      return 'token'
    default:
      return undefined
  }
}

/** The URL of an endpoint that has one for itself. */
export function endpointUrl(issuer: string, name: 'jwks' | 'introspect' | 'token'): string {
  return `${new URL(issuer).origin}${issuerPath(issuer)}/${name}`
}

/** The path of the identifier, without the slash RFC 8414 §3.1 takes off its end. */
function issuerPath(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}
