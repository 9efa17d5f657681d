/*
 * `/backchannel-logout/<provider>`: a provider tells that a session there is over. Marks it; whose sessions end here, each
 * request finds out by itself.
 */
import { isOAuthClientError } from '../../client/errors.js'
import { InvalidTokenError, UnavailableError } from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { LogoutToken } from '../../issuer/logout-token.js'
import { createBackchannelLogout } from '../../revocation/backchannel-logout.js'
import type { RevocationList } from '../../revocation/revocation.js'
import { createMemoryReplayStore } from '../../stores/memory/memory-replay-store.js'
import type { Provider } from '../provider.js'
import type { LoginSettings } from './login-settings.js'

/** Answers a form of a provider: 200, 400, 503. Rejects with a fault of the application. */
export function createProviderLogout({ clock, onEvent }: LoginSettings, revocations: RevocationList) {
  // Of this process: a token that another one takes once more marks what is marked already.
  const replayStore = createMemoryReplayStore({ clock })
  const logout = createBackchannelLogout({ revocations, replayStore, clock, onEvent })
  return async (provider: Provider, form: URLSearchParams): Promise<HttpAnswer> => {
    const { headers, ...answer } = await logout(() => verify(provider, form.getAll('logout_token')))
    return { ...answer, headers: { 'Referrer-Policy': 'no-referrer', 'X-Content-Type-Options': 'nosniff', ...headers } }
  }
}

async function verify(provider: Provider, [text, ...more]: readonly string[]): Promise<LogoutToken> {
  if (text === undefined || !/^\S+$/.test(text) || more.length > 0) {
    throw new InvalidTokenError('ERR_TOKEN_MALFORMED', { detail: 'not one logout_token' })
  }
  try {
    return await provider.verifyLogoutToken(text)
  } catch (error) {
    if (!isOAuthClientError(error) || error.code !== 'ERR_LOGOUT_TOKEN') {
      throw new UnavailableError('ERR_KEYS_UNAVAILABLE', { cause: error })
    }
    const { cause } = error
    throw cause instanceof InvalidTokenError ? cause : new InvalidTokenError('ERR_TOKEN_MALFORMED', { cause })
  }
}
