import { type ClientCredential, publicClient } from '../../client/credentials/client-credential.js'
import { clientSecretPost } from '../../client/credentials/client-secret.js'
import type { ProviderOptions } from '../provider-options.js'

/** What every preset takes: the client, and any option of a provider that the preset does not decide. @group Login presets */
export interface PresetOptions
  extends Partial<Omit<ProviderOptions, 'type' | 'issuer' | 'endpoints' | 'subject' | 'credential'>> {
  readonly clientId?: string | undefined
  /** Sent in the body (`client_secret_post`). Left out by public clients. */
  readonly clientSecret?: string | undefined
  /** Instead of `clientId` and `clientSecret`, where the application authenticates in another way. */
  readonly credential?: ClientCredential | undefined
}

/** @throws `ConfigurationError` without `clientId`, where there is no `credential`. */
export function presetCredential({ clientId = '', clientSecret, credential }: PresetOptions): ClientCredential {
  if (credential !== undefined) return credential
  return clientSecret === undefined ? publicClient({ clientId }) : clientSecretPost({ clientId, clientSecret })
}
