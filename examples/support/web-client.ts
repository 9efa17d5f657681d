/** Where users come back to in a web application. */
export interface WebClientPaths {
  /** The redirect URIs of the login. */
  readonly callbacks: readonly string[]
  /** Where users are after a logout. */
  readonly afterLogout: string
}

/** Registers a web application at an authorization server (RFC 7591). Its `client_id`: it is a public client. */
export async function registerWebClient(issuer: string, paths: WebClientPaths): Promise<string> {
  const response = await fetch(`${issuer}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: paths.callbacks,
      post_logout_redirect_uris: [paths.afterLogout],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    }),
  })
  if (!response.ok) throw new Error(`registration refused with ${response.status}: ${await response.text()}`)
  return ((await response.json()) as { client_id: string }).client_id
}
