import { LoginDeniedError } from '../../client/login-errors.js'
import { type ProviderPreset, presetRules } from '../provider-options.js'
import { type PresetOptions, presetCredential } from './preset-client.js'

/** What {@link google} takes. @group Login presets */
export interface GoogleLoginOptions extends PresetOptions {
  /**
   * Lets users of this Google Workspace domain in and no others: `hd` of the ID token is held to it. The request carries it
   * too, which only chooses what the page of Google shows.
   */
  readonly hostedDomain?: string | undefined
}

const revocationEndpoint = 'https://oauth2.googleapis.com/revoke'

/**
 * Google accounts. Asks for `openid email profile`.
 *
 * - A refresh token comes with consent alone: `access_type=offline` and `prompt=consent` are sent, unless `parameters` and
 *   `prompt` say otherwise.
 * - Revocation takes no client authentication, and none is sent.
 * - `email` may change and be given to somebody else: key accounts by `account`, never by it.
 *
 * @throws `ConfigurationError` for options that cannot be right.
 * @group Login presets
 */
export function google(options: GoogleLoginOptions): ProviderPreset {
  const { hostedDomain, clientId: _id, clientSecret: _secret, parameters, ...rest } = options
  return {
    name: 'google',
    issuer: 'https://accounts.google.com',
    scopes: ['openid', 'email', 'profile'],
    prompt: 'consent',
    ...rest,
    credential: presetCredential(options),
    parameters: { access_type: 'offline', ...(hostedDomain !== undefined && { hd: hostedDomain }), ...parameters },
    [presetRules]: {
      checkClaims({ iss, hd }) {
        if (hostedDomain === undefined || hd === hostedDomain) return
        const detail = '`hd` of the ID token is not `hostedDomain`'
        throw new LoginDeniedError('ERR_LOGIN_DENIED', { issuer: iss, error: 'access_denied', detail })
      },
      revocation: (token) => ({
        method: 'POST',
        url: revocationEndpoint,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: String(new URLSearchParams({ token })),
        done: [200],
      }),
    },
  }
}
