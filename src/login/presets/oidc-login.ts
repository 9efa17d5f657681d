import { clientSecretBasic } from '../../client/credentials/client-secret.js'
import type { ProviderOptions, ProviderPreset } from '../provider-options.js'
import { presetCredential } from './preset-client.js'

/** What {@link oidc} takes: the options of a provider, with a secret in the place of a credential if you like. @group Login presets */
export interface OidcLoginOptions extends Omit<ProviderOptions, 'type' | 'credential' | 'subject'> {
  readonly issuer: string
  readonly clientId?: string | undefined
  /** Sent in a Basic header field (`client_secret_basic`). Left out by public clients. */
  readonly clientSecret?: string | undefined
  readonly credential?: ProviderOptions['credential'] | undefined
}

/**
 * Any OpenID provider: its issuer, and nothing else.
 *
 * @throws `ConfigurationError` without a client.
 * @group Login presets
 */
export function oidc(options: OidcLoginOptions): ProviderPreset {
  const { clientId, clientSecret, credential, ...rest } = options
  if (credential !== undefined || clientSecret === undefined) {
    return { ...rest, credential: presetCredential({ clientId, credential }) }
  }
  return { ...rest, credential: clientSecretBasic({ clientId: clientId ?? '', clientSecret }) }
}
