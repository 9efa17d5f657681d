/** Signing in on a user's machine at whatever server a protected resource names: the ways of {@link login}. */
import { GrantTypes } from '../client/token-types.js'
import { checkOptions } from '../kit/options.js'
import type { SignIn } from '../login/resource/sign-in.js'
import { type LoginOptions, login, loginRules } from './login.js'
import { portsOf } from './loopback-login.js'

/** Options of {@link nativeSignIn}: those of {@link login}, without what the resource decides. @group Native login */
export type NativeSignInOptions = Omit<LoginOptions, 'store' | 'scopes' | 'signal'>

/**
 * The way to sign in for `createProtectedFetch` and `createMcpAuthProvider` in programs on a user's machine. The client is
 * registered as a native one, with its loopback redirect URI; without `port` the URI has none, and the server has to accept
 * any (RFC 8252 §7.3). Give `port` for a server that does not.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Native login
 */
export function nativeSignIn(options: NativeSignInOptions = {}): SignIn {
  const { store: _st, scopes: _sc, signal: _si, ...rules } = loginRules
  checkOptions('nativeSignIn', options, rules)
  const device = options.onCode === undefined ? [] : [GrantTypes.deviceCode]
  return Object.freeze<SignIn>({
    metadata: {
      application_type: 'native',
      redirect_uris: redirectUrisOf(options),
      response_types: ['code'],
      grant_types: [GrantTypes.authorizationCode, GrantTypes.refreshToken, ...device],
    },
    getTokens: async ({ provider, signal }) => (await login(provider, { ...options, signal })).tokens,
  })
}

function redirectUrisOf(options: NativeSignInOptions): readonly string[] {
  const { host = '127.0.0.1', path = '/callback', redirectUri } = options
  const name = host === '::1' ? '[::1]' : host
  const loopback = portsOf(options).map((port) => `http://${name}${port === 0 ? '' : `:${port}`}${path}`)
  return redirectUri === undefined ? loopback : [...loopback, redirectUri]
}
