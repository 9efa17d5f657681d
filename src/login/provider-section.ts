/*
 * One provider as a configuration has it, and what that says to its preset. Looks no secret up.
 */
import { publicClient } from '../client/credentials/client-credential.js'
import { clientSecretPost } from '../client/credentials/client-secret.js'
import { createProviderFromSettings, type ProviderSettingsInput } from './provider-from-settings.js'
import type { ProviderOptions } from './provider-options.js'

/** Where a configuration keeps tokens. @group Configuration */
export type ConfiguredTokenStore = 'memory' | 'file' | 'encrypted' | 'sops' | 'keyring'

/** One provider of a configuration. @group Configuration */
export interface ProviderSection {
  /** Default: `oidc`, or `custom` with `type: 'oauth2'`. */
  readonly preset?: 'google' | 'github' | 'microsoft' | 'oidc' | 'custom' | undefined
  readonly type?: 'oidc' | 'oauth2' | undefined
  readonly issuer?: string | undefined
  readonly clientId: string
  /** A reference such as `env:NAME`, `file:PATH`, `sops://FILE#path`, `keyring:service/account`; or, less well, the secret. */
  readonly clientSecret?: string | undefined
  readonly scopes?: readonly string[] | undefined
  readonly endpoints?: ProviderOptions['endpoints']
  /** Of a manual login. */
  readonly redirectUri?: string | undefined
  /** How this provider's users sign in on a machine. Default `auto`. */
  readonly mode?: 'auto' | 'loopback' | 'device' | 'manual' | undefined
  readonly tokenStore?: ConfiguredTokenStore | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Sent with every authorization request. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** Of `microsoft`. */
  readonly tenant?: string | undefined
  /** Of `microsoft`. */
  readonly allowedTenants?: readonly string[] | 'any' | undefined
  /** Of `google`. */
  readonly hostedDomain?: string | undefined
  readonly allowInsecureLoopback?: boolean | undefined
}

/** The options of the preset: without the members that only the command looks at. */
export function settingsOf(name: string, section: ProviderSection): object {
  const { preset, redirectUri: _redirectUri, mode: _mode, tokenStore: _tokenStore, type, ...options } = section
  const provider = preset ?? (type === 'oauth2' ? 'custom' : 'oidc')
  if (provider !== 'custom') return { provider, name, ...options }
  const { clientId, clientSecret, ...rest } = options
  const credential =
    clientSecret === undefined ? publicClient({ clientId }) : clientSecretPost({ clientId, clientSecret })
  return { provider, name, type: type ?? 'oidc', credential, ...rest }
}

/**
 * The server that a section names: see {@link Provider.serverId}. References stand for their secrets, since nothing is sent.
 *
 * @throws `ConfigurationError` for options that cannot be right.
 */
export function serverIdOfSection(name: string, section: ProviderSection): string {
  return createProviderFromSettings(settingsOf(name, section) as ProviderSettingsInput).serverId
}
