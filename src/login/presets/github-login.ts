import { clientSecretBasic } from '../../client/credentials/client-secret.js'
import { ConfigurationError } from '../../errors/index.js'
import { type ProviderPreset, presetRules } from '../provider-options.js'
import { type PresetOptions, presetCredential } from './preset-client.js'

/** What {@link github} takes. @group Login presets */
export type GithubLoginOptions = Omit<PresetOptions, 'credential'>

/**
 * GitHub accounts, by an OAuth app or a GitHub App. No OpenID Connect: the account is the numeric `id` of `/user`. Asks for
 * `read:user user:email`. PKCE is sent and checked.
 *
 * - Errors come with status 200, and granted scopes with commas: both are read.
 * - Tokens of GitHub Apps expire and are refreshed; those of OAuth apps do neither.
 * - Revocation is `DELETE /applications/{client_id}/token`.
 * - The login name can be taken over by others: key accounts by `account`, never by it.
 *
 * @throws `ConfigurationError` without `clientId` and `clientSecret`.
 * @group Login presets
 */
export function github(options: GithubLoginOptions): ProviderPreset {
  const { clientId = '', clientSecret = '', ...rest } = options
  if (clientSecret === '') throw new ConfigurationError('github needs `clientId` and `clientSecret`.')
  const basic = clientSecretBasic({ clientId, clientSecret })
  const url = `https://api.github.com/applications/${encodeURIComponent(clientId)}/token`
  return {
    name: 'github',
    scopes: ['read:user', 'user:email'],
    ...rest,
    type: 'oauth2',
    issuer: 'https://github.com/login/oauth',
    discovery: false,
    endpoints: {
      authorization: 'https://github.com/login/oauth/authorize',
      token: 'https://github.com/login/oauth/access_token',
      deviceAuthorization: 'https://github.com/login/device/code',
      userinfo: 'https://api.github.com/user',
    },
    subject: 'id',
    credential: presetCredential({ clientId, clientSecret }),
    [presetRules]: {
      scopeSeparator: ',',
      revocation: async (token) => ({
        method: 'DELETE',
        url,
        headers: {
          accept: 'application/vnd.github+json',
          'content-type': 'application/json',
          ...(await basic.authenticate({ issuer: url, endpoint: url })).headers,
        },
        body: JSON.stringify({ access_token: token }),
        done: [204, 404],
      }),
    },
  }
}
