import { ConfigurationError } from '../errors/index.js'
import { isJsonObject } from '../kit/json.js'
import { type GithubLoginOptions, github } from './presets/github-login.js'
import { type GoogleLoginOptions, google } from './presets/google-login.js'
import { type MicrosoftLoginOptions, microsoft } from './presets/microsoft-login.js'
import { type OidcLoginOptions, oidc } from './presets/oidc-login.js'
import { createProvider, type Provider } from './provider.js'
import type { ProviderOptions, ProviderPreset } from './provider-options.js'

/** The kind of a provider and its options: those of the preset, of `custom` those of {@link createProvider}. @group Login */
export type ProviderSettingsInput =
  | ({ readonly provider: 'google' } & GoogleLoginOptions)
  | ({ readonly provider: 'github' } & GithubLoginOptions)
  | ({ readonly provider: 'microsoft' } & MicrosoftLoginOptions)
  | ({ readonly provider: 'oidc' } & OidcLoginOptions)
  | ({ readonly provider: 'custom' } & ProviderOptions)

const presets = { google, github, microsoft, oidc, custom: (options: ProviderOptions): ProviderPreset => options }

/**
 * Makes the provider of that kind, where a configuration chooses it. The same as `createProvider` with the preset.
 *
 * @throws `ConfigurationError` for an unknown kind, and as the preset does.
 * @group Login
 */
export function createProviderFromSettings(settings: ProviderSettingsInput): Provider {
  const { provider, ...options } = isJsonObject(settings) ? settings : ({} as ProviderSettingsInput)
  if (!Object.hasOwn(presets, provider)) {
    throw new ConfigurationError(`\`provider\` takes one of ${Object.keys(presets).join(', ')}.`)
  }
  const preset = presets[provider] as (options: object) => ProviderPreset
  return createProvider(preset(options))
}
