/** The configuration of providers as plain data: checked completely, with secrets by reference. Reads no file. */
import { ConfigurationError } from '../errors/index.js'
import type { MaybePromise } from '../kit/maybe-promise.js'
import {
  type AnyRules,
  checkOptions,
  choice,
  faultOf,
  flag,
  integer,
  members,
  object,
  type Rules,
  required,
  takes,
  text,
  textMap,
  textOrTexts,
  texts,
} from '../kit/options.js'
import type { Provider } from './provider.js'
import { createProviderFromSettings, type ProviderSettingsInput } from './provider-from-settings.js'
import type { ProviderOptions } from './provider-options.js'
import { type ConfiguredTokenStore, type ProviderSection, settingsOf } from './provider-section.js'

/** Where a login on this machine listens. @group Configuration */
export interface LoopbackSection {
  readonly host?: '127.0.0.1' | '::1' | 'localhost' | undefined
  readonly port?: number | undefined
  readonly portRange?: readonly [number, number] | undefined
  readonly path?: string | undefined
  /** Up to 600. Default 120. */
  readonly timeoutSeconds?: number | undefined
}

/** What {@link readAuthConfig} takes. @group Configuration */
export interface AuthConfigInput {
  /** For editors; not looked at. */
  readonly $schema?: string | undefined
  readonly defaultProvider?: string | undefined
  /** Default `keyring`. */
  readonly tokenStore?: ConfiguredTokenStore | undefined
  readonly loopback?: LoopbackSection | undefined
  readonly providers:
    | Readonly<Record<string, ProviderSection>>
    | readonly (ProviderSection & { readonly name: string })[]
}

/** Finds the secret behind a reference, given what follows its scheme. @group Configuration */
export type SecretResolver = (reference: string) => MaybePromise<string | undefined>

/** Options of {@link readAuthConfig}. @group Configuration */
export interface AuthConfigOptions {
  /** By scheme: `{ vault: (reference) => … }` serves `vault:…`. `env`, `file`, `sops` and `keyring` come with `loadAuthConfig`. */
  readonly resolvers?: Readonly<Record<string, SecretResolver>> | undefined
}

/** A configuration that was checked. Frozen; holds references, and no secret that was found by one. @group Configuration */
export interface AuthConfig {
  readonly defaultProvider: string | undefined
  readonly loopback: LoopbackSection
  /** The section of a provider as it was written; `undefined` for an unknown name. */
  provider(name: string): ProviderSection | undefined
  /** In the order of the configuration. */
  providerNames(): readonly string[]
  /** Where tokens of that provider are kept. */
  tokenStoreOf(name: string): ConfiguredTokenStore
  /**
   * Makes the provider, with its secrets found now; `overrides` win over the configuration.
   *
   * @throws {@link ConfigurationError} for an unknown name, a reference that leads to nothing, or what `createProvider` throws.
   */
  createProvider(name: string, overrides?: Partial<ProviderOptions>): Promise<Provider>
}

const providerName = /^[a-z0-9][a-z0-9_-]{0,63}$/
const store = choice('memory', 'file', 'encrypted', 'sops', 'keyring')

const loopbackRules: Rules<LoopbackSection> = {
  host: choice('127.0.0.1', '::1', 'localhost'),
  port: integer(0, 65_535),
  portRange: takes((value) => Array.isArray(value) && value.length === 2, 'the first and the last port'),
  path: text,
  timeoutSeconds: integer(1, 600),
}

const sectionRules: Rules<ProviderSection> = {
  preset: choice('google', 'github', 'microsoft', 'oidc', 'custom'),
  type: choice('oidc', 'oauth2'),
  issuer: text,
  clientId: required(text),
  clientSecret: text,
  scopes: texts,
  endpoints: object,
  redirectUri: text,
  mode: choice('auto', 'loopback', 'device', 'manual'),
  tokenStore: store,
  headers: textMap,
  parameters: textMap,
  tenant: text,
  allowedTenants: textOrTexts,
  hostedDomain: text,
  allowInsecureLoopback: flag,
}

const configRules: Rules<AuthConfigInput> = {
  $schema: text,
  defaultProvider: text,
  tokenStore: store,
  loopback: members<LoopbackSection>(loopbackRules),
  providers: required(
    takes((value) => typeof value === 'object' && value !== null, 'an object or a list of providers'),
  ),
}

/**
 * Checks a configuration: names, forms, and what belongs together. Does NOT ask a server, and looks no secret up.
 *
 * @param input - as it came from a file or elsewhere; read once.
 * @throws {@link ConfigurationError} naming the member, and for an unknown one the nearest known name.
 * @group Configuration
 */
export function readAuthConfig(input: AuthConfigInput, options: AuthConfigOptions = {}): AuthConfig {
  checkOptions('readAuthConfig', options, { resolvers: object } satisfies Rules<AuthConfigOptions>)
  checkOptions('The configuration', input, configRules)
  const { defaultProvider, tokenStore = 'keyring', loopback = {} } = input
  const sections = readSections(input.providers)
  if (defaultProvider !== undefined && !sections.has(defaultProvider)) {
    throw new ConfigurationError(`\`defaultProvider\` is none of the providers: ${[...sections.keys()].join(', ')}.`)
  }
  return Object.freeze({
    defaultProvider,
    loopback: Object.freeze({ ...loopback }),
    provider: (name: string) => sections.get(name),
    providerNames: () => [...sections.keys()],
    tokenStoreOf: (name: string) => sections.get(name)?.tokenStore ?? tokenStore,
    async createProvider(name: string, overrides: Partial<ProviderOptions> = {}) {
      const section = sections.get(name)
      if (section === undefined) {
        throw new ConfigurationError(`There is no provider of that name. Known: ${[...sections.keys()].join(', ')}.`)
      }
      const found = await findSecrets(name, section, options.resolvers ?? {})
      return createProviderFromSettings({ ...settingsOf(name, found), ...overrides } as ProviderSettingsInput)
    },
  })
}

function readSections(providers: AuthConfigInput['providers']): ReadonlyMap<string, ProviderSection> {
  const entries: readonly (readonly [unknown, unknown])[] = Array.isArray(providers)
    ? providers.map(({ name, ...section }) => [name, section] as const)
    : Object.entries(providers)
  const sections = new Map<string, ProviderSection>()
  for (const [name, section] of entries) {
    if (typeof name !== 'string' || !providerName.test(name)) {
      throw new ConfigurationError('The name of a provider has 1 to 64 lower-case letters, digits, - and _.')
    }
    if (sections.has(name)) throw new ConfigurationError(`There are two providers named ${name}.`)
    const fault = sectionFault(name, section)
    if (fault !== undefined) throw new ConfigurationError(fault)
    sections.set(name, Object.freeze({ ...(section as ProviderSection) }))
  }
  if (sections.size === 0) throw new ConfigurationError('`providers` has no provider.')
  return sections
}

function sectionFault(name: string, section: unknown): string | undefined {
  const { pkce, sslVerify } = Object(section) as Record<string, unknown>
  const at = `providers.${name}`
  if (pkce !== undefined) return `\`${at}.pkce\`: PKCE is always used and cannot be switched off; leave it out.`
  if (sslVerify !== undefined) {
    return `\`${at}.sslVerify\`: certificates are always checked. For a private CA set NODE_EXTRA_CA_CERTS, or give \`caFetch\`.`
  }
  return faultOf(`\`${at}\``, section, sectionRules as AnyRules, `${at}.`)
}

const reference = /^([a-z][a-z0-9+.-]*):(?:\/\/)?(.+)/s
const ownSchemes: readonly string[] = ['env', 'file', 'sops', 'keyring']

/** Whether a value is a reference: of a scheme that is known, or that one of ours would be. */
export function isSecretReference(value: string, resolvers: Readonly<Record<string, SecretResolver>> = {}): boolean {
  const [, scheme = ''] = reference.exec(value) ?? []
  return ownSchemes.includes(scheme) || Object.hasOwn(resolvers, scheme)
}

async function findSecrets(
  name: string,
  section: ProviderSection,
  resolvers: Readonly<Record<string, SecretResolver>>,
): Promise<ProviderSection> {
  const find = async (member: string, value: string): Promise<string> => {
    if (!isSecretReference(value, resolvers)) return value
    const [, scheme = '', rest = ''] = reference.exec(value) as RegExpExecArray
    const secret = Object.hasOwn(resolvers, scheme) ? await resolvers[scheme]?.(rest) : undefined
    if (typeof secret === 'string' && secret !== '') return secret
    throw new ConfigurationError(`\`providers.${name}.${member}\`: the reference ${value} leads to nothing.`)
  }
  const { clientSecret, headers } = section
  const foundHeaders: Record<string, string> = {}
  for (const [field, value] of Object.entries(headers ?? {}))
    foundHeaders[field] = await find(`headers.${field}`, value)
  return {
    ...section,
    ...(clientSecret === undefined ? {} : { clientSecret: await find('clientSecret', clientSecret) }),
    ...(headers === undefined ? {} : { headers: foundHeaders }),
  }
}
