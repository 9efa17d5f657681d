import { createHash, randomBytes } from 'node:crypto'

/** Signs DPoP proofs; a `DpopClient` of `portcullis/testing` is one. */
export interface ProofSigner {
  proof(request: { method: string; url: string }): string
}

/** What a token endpoint answers (RFC 6749 §5.1). */
export interface TokenResponse {
  readonly access_token: string
  readonly token_type: string
  readonly expires_in?: number
  readonly scope?: string
  readonly refresh_token?: string
  readonly issued_token_type?: string
}

/** The token a user's client wants. */
export interface UserTokenRequest {
  readonly resource?: string
  /** Space-delimited. */
  readonly scope?: string
  /** Space-delimited; the user is signed in at the first one. */
  readonly acrValues?: string
  /** This and `acrValues` add the scope `openid`, which oidc-provider demands for both. */
  readonly maxAgeSeconds?: number
  /** Who signs in. Default `user-1`. */
  readonly subject?: string
  /** Binds the token to this key (RFC 9449 §5). */
  readonly dpop?: ProofSigner
  /** The cookies of the user's browser, by name; signed in once, it stays so. Default: a new browser. */
  readonly cookies?: Map<string, string>
}

/** A public client. */
export interface PublicClient {
  readonly clientId: string
  readonly redirectUri: string
}

/**
 * Walks through an authorization request as a browser would, cookies and all, until the server sends it back to the
 * client. Returns that URL with its `code`, or `error`. Nothing listens at the redirect URI, and nothing needs to.
 */
export async function followToRedirect(
  authorizationUrl: URL,
  redirectUri: string,
  cookies = new Map<string, string>(),
): Promise<URL> {
  let url = authorizationUrl
  for (let hop = 0; hop < 10; hop += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: cookie === '' ? {} : { cookie } })
    for (const line of response.headers.getSetCookie()) keepCookie(cookies, line)
    const location = response.headers.get('location')
    if (location === null) throw new Error(`no redirect but status ${response.status}: ${await response.text()}`)
    await response.body?.cancel()
    url = new URL(location, url)
    if (url.href.startsWith(redirectUri)) return url
  }
  throw new Error('too many redirects')
}

/** Gets a user's tokens by authorization code and PKCE (RFC 6749 §4.1, RFC 7636). */
export async function signIn(issuer: string, client: PublicClient, request: UserTokenRequest): Promise<TokenResponse> {
  const metadata = await getJson(`${issuer}/.well-known/oauth-authorization-server`)
  const verifier = randomBytes(32).toString('base64url')
  const authorization = new URL(String(metadata['authorization_endpoint']))
  authorization.search = query({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: randomBytes(8).toString('base64url'),
    scope: asksAboutSignIn(request) ? `openid ${request.scope ?? ''}`.trim() : request.scope,
    resource: request.resource,
    acr_values: request.acrValues,
    max_age: request.maxAgeSeconds?.toString(),
    login_hint: request.subject,
    prompt: request.scope?.split(' ').includes('offline_access') ? 'consent' : undefined,
  })
  const redirect = await followToRedirect(authorization, client.redirectUri, request.cookies)
  const code = redirect.searchParams.get('code')
  if (code === null) throw new Error(`authorization refused: ${redirect.searchParams}`)
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirectUri,
    code_verifier: verifier,
    client_id: client.clientId,
    resource: request.resource,
  }
  return requestToken(String(metadata['token_endpoint']), form, request.dpop)
}

function asksAboutSignIn({ acrValues, maxAgeSeconds }: UserTokenRequest): boolean {
  return acrValues !== undefined || maxAgeSeconds !== undefined
}

/** One token request. Members that are `undefined` are left out. */
export async function requestToken(
  endpoint: string,
  form: Readonly<Record<string, string | undefined>>,
  dpop?: ProofSigner,
  headers: Readonly<Record<string, string>> = {},
): Promise<TokenResponse> {
  const proof = dpop && { dpop: dpop.proof({ method: 'POST', url: endpoint }) }
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers, ...proof },
    body: query(form),
  })
  const body = await response.text()
  if (!response.ok) throw new Error(`token request refused with ${response.status}: ${body}`)
  return JSON.parse(body) as TokenResponse
}

async function getJson(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as Record<string, unknown>
}

function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new URLSearchParams(given).toString()
}

function keepCookie(cookies: Map<string, string>, line: string): void {
  const [pair = ''] = line.split(';')
  const equals = pair.indexOf('=')
  const value = pair.slice(equals + 1)
  if (value === '') cookies.delete(pair.slice(0, equals))
  else cookies.set(pair.slice(0, equals), value)
}
