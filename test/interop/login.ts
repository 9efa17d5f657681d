import type { AuthorizationParams, IdentifiedTokens, OAuthClient } from 'portcullis/client'
import { type Browser, openBrowser } from './browser.js'

/** Where clients of users are sent back to. Nothing listens there, and nothing needs to. */
export const redirectUri = 'http://127.0.0.1/callback'

/** What alice writes into forms. */
export const alice = { username: 'alice', password: 'alice-password' }

/** How alice signs in. */
export interface LoginRequest extends Partial<AuthorizationParams> {
  /** Default: a new one. */
  readonly browser?: Browser
}

/** A login as an application does it: the request, the browser, the code. Scopes are `openid` unless told otherwise. */
export async function logIn(
  client: OAuthClient,
  { browser = openBrowser(), ...further }: LoginRequest = {},
): Promise<IdentifiedTokens> {
  const request = await client.authorizationRequest({ redirectUri, scope: 'openid', ...further })
  const callback = await browser.follow(request.url, redirectUri, alice)
  return client.exchangeCode({ callback, request })
}
