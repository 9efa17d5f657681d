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

type Credentials = readonly [id: string | undefined, secret: string | undefined]

/** A request to an endpoint of the issuer. */
export interface EndpointRequest {
  readonly method: string
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * The client that a request authenticates, by `client_secret_basic` or `client_secret_post` (RFC 6749 §2.3.1).
 * `undefined` for anything else.
 */
export function authenticatedClient(
  request: EndpointRequest,
  clients: Readonly<Record<string, string>>,
): string | undefined {
  const [id, secret] = basicCredentials(request.headers['authorization']) ?? postedCredentials(request.body)
  return Object.entries(clients).find(([known, own]) => known === id && own === secret)?.[0]
}

function basicCredentials(authorization: string | undefined): Credentials | undefined {
  const encoded = authorization?.match(/^basic +(\S+)$/i)?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return [formDecoded(text.slice(0, colon)), formDecoded(text.slice(colon + 1))]
}

function formDecoded(text: string): string {
  return new URLSearchParams(`value=${text.replaceAll('&', '%26')}`).get('value') as string
}

function postedCredentials(body: string): Credentials {
  const form = new URLSearchParams(body)
  return [form.get('client_id') ?? undefined, form.get('client_secret') ?? undefined]
}
