/*
 * What a provider is told, checked and completed.
 */

import type { OAuthClientOptions } from '../client/client-options.js'
import type { VendorRules } from '../client/create-client.js'
import type { ClientCredential } from '../client/credentials/client-credential.js'
import type { RevocationRequest } from '../client/grant-types/introspect-and-revoke.js'
import type { IdTokenClaims } from '../client/id-token.js'
import { clientRules } from '../client/settings.js'
import { ConfigurationError } from '../errors/index.js'
import {
  checkOptions,
  choice,
  flag,
  integer,
  type Rules,
  required,
  takes,
  text,
  textMap,
  textOrTexts,
  texts,
} from '../kit/options.js'

/** Options of the client that are options of a provider. */
type ClientOptions = Omit<OAuthClientOptions, 'issuer' | 'clientId' | 'credential' | 'registration' | 'defaultPaths'>

/** Options of {@link createProvider}, besides those of `createOAuthClient`. Read once, checked completely. @group Login */
export interface ProviderOptions extends ClientOptions {
  /** Tells providers apart in transactions, stores, events and URLs: lower-case letters, digits, `-` and `_`, 64 at most. */
  readonly name: string
  /** Whether it is an OpenID provider. `oauth2` is for the others: userinfo says who the user is. Default `oidc`. */
  readonly type?: 'oidc' | 'oauth2' | undefined
  /** Required for `oidc`. Without one nothing is discovered, and `endpoints` says where everything is. */
  readonly issuer?: string | undefined
  /** How the application authenticates; a public client says `publicClient({ clientId })`. */
  readonly credential: ClientCredential
  /** Asked for at every login. Default `openid profile email` for `oidc`, none for `oauth2`. */
  readonly scopes?: readonly string[] | undefined
  /** The API that its tokens are for (RFC 8707 §2). Best exactly one. Default: the server decides. */
  readonly resource?: string | readonly string[] | undefined
  /** The same for servers that name APIs by `audience`, such as Auth0. */
  readonly audience?: string | readonly string[] | undefined
  /** Sent with every authorization request: what your server wants besides. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** `prompt` of every login that does not say itself. */
  readonly prompt?: string | readonly string[] | undefined
  /** When authorization requests are pushed (RFC 9126). Default `auto`: when it is demanded. */
  readonly par?: 'auto' | 'always' | 'never' | undefined
  /**
   * Whether userinfo is part of a login. With `optional` a login goes on without it. Default false for `oidc`; `oauth2`
   * always asks.
   */
  readonly fetchUserInfo?: boolean | 'optional' | undefined
  /** For `oauth2`: the member of userinfo that names the user for good. Never an e-mail address or a name. Default `sub`. */
  readonly subject?: string | undefined
  /** How long a login may take. 30 to 3600, default 600. */
  readonly transactionSeconds?: number | undefined
  /** `false` only where the server never takes a refresh token out of use. Default true. */
  readonly rotatesRefreshTokens?: boolean | undefined
}

/** Holds {@link PresetRules} in the options that a preset makes; a copy by spreading keeps them. */
export const presetRules: unique symbol = Symbol('portcullis.presetRules')

/** In what a vendor departs from the specifications, beyond what options can say. */
export interface PresetRules extends VendorRules {
  /** @throws {@link LoginDeniedError} or {@link IdTokenError} for users who are not to sign in. */
  readonly checkClaims?: ((claims: IdTokenClaims) => void) | undefined
  /** The request that revokes one token in the vendor's way. */
  readonly revocation?: ((token: string) => RevocationRequest | Promise<RevocationRequest>) | undefined
}

/** What a preset makes: options to hand to {@link createProvider}, as they are or spread into your own. @group Login */
export type ProviderPreset = ProviderOptions & {
  /** @internal */
  readonly [presetRules]?: PresetRules
}

const { issuer: _i, clientId: _c, credential, registration: _r, defaultPaths: _d, ...shared } = clientRules

const rules: Rules<ProviderOptions> = {
  ...shared,
  name: required(
    takes(
      (value) => typeof value === 'string' && /^[a-z0-9][a-z0-9_-]{0,63}$/.test(value),
      '1 to 64 lower-case letters, digits, - and _',
    ),
  ),
  type: choice('oidc', 'oauth2'),
  issuer: text,
  credential: required(credential),
  scopes: texts,
  resource: textOrTexts,
  audience: textOrTexts,
  parameters: textMap,
  prompt: textOrTexts,
  par: choice('auto', 'always', 'never'),
  fetchUserInfo: choice(true, false, 'optional'),
  subject: text,
  transactionSeconds: integer(30, 3600),
  rotatesRefreshTokens: flag,
}

/** {@link ProviderOptions}, checked and complete. */
export interface ProviderSettings {
  readonly name: string
  readonly type: 'oidc' | 'oauth2'
  readonly discoveryMode: 'auto' | 'hybrid' | 'manual'
  readonly issuer: string | undefined
  /** Stands for the server in transactions, events and accounts: the issuer, else the authorization endpoint. */
  readonly label: string
  /** See {@link TokenProvider.serverId}. */
  readonly serverId: string
  readonly scopes: readonly string[]
  readonly target: Pick<ProviderOptions, 'resource' | 'audience'>
  readonly parameters: Readonly<Record<string, string>>
  readonly prompt: string | readonly string[] | undefined
  readonly par: 'auto' | 'always' | 'never'
  readonly rotatesRefreshTokens: boolean
  readonly fetchUserInfo: boolean | 'optional'
  readonly subject: string
  readonly transactionSeconds: number
  readonly preset: PresetRules
  readonly client: OAuthClientOptions
}

/** @throws {@link ConfigurationError} for options that cannot be right, by themselves or together. */
export function toProviderSettings(options: ProviderPreset): ProviderSettings {
  checkOptions('createProvider', options, rules)
  const { type = 'oidc', issuer, endpoints = {}, prompt } = options
  const isManual = issuer === undefined || options.discovery === false
  checkTogether(options, type, isManual)
  const label = issuer ?? withoutQuery(endpoints.authorization as string)
  return Object.freeze({
    name: options.name,
    type,
    discoveryMode: isManual ? 'manual' : Object.values(endpoints).some(Boolean) ? 'hybrid' : 'auto',
    issuer,
    label,
    serverId: [label, ...foreignOrigins(label, endpoints)].join(' '),
    prompt,
    ...loginDefaults(options, type),
    preset: options[presetRules] ?? {},
    client: clientOptionsOf(options, label, isManual ? false : (options.discovery ?? conventions[type])),
  })
}

function loginDefaults(options: ProviderOptions, type: 'oidc' | 'oauth2') {
  const { scopes = type === 'oidc' ? ['openid', 'profile', 'email'] : [] } = options
  return {
    scopes: Object.freeze([...scopes]),
    target: { resource: options.resource, audience: options.audience },
    parameters: options.parameters ?? {},
    par: options.par ?? 'auto',
    fetchUserInfo: options.fetchUserInfo ?? type === 'oauth2',
    subject: options.subject ?? 'sub',
    transactionSeconds: options.transactionSeconds ?? 600,
    rotatesRefreshTokens: options.rotatesRefreshTokens ?? true,
  }
}

/** OpenID providers have their metadata where OpenID Connect says; asking elsewhere first costs each start a request. */
const conventions = { oidc: 'oidc', oauth2: 'auto' } as const

function checkTogether(options: ProviderOptions, type: 'oidc' | 'oauth2', isManual: boolean): void {
  const { issuer, endpoints = {}, scopes, fetchUserInfo } = options
  if (type === 'oidc') {
    if (issuer === undefined) {
      throw new ConfigurationError('A provider of type `oidc` needs `issuer`: without it no ID token can be verified.')
    }
    if (scopes !== undefined && !scopes.includes('openid')) {
      throw new ConfigurationError('`scopes` of a provider of type `oidc` must include `openid`.')
    }
  } else if (fetchUserInfo === false || fetchUserInfo === 'optional') {
    throw new ConfigurationError('A provider of type `oauth2` needs userinfo: nothing else says who the user is.')
  }
  const needed = ['authorization', 'token', type === 'oidc' ? 'jwks' : 'userinfo'] as const
  const missing = needed.find((name) => endpoints[name] === undefined)
  if (isManual && missing !== undefined) {
    throw new ConfigurationError(`Without discovery \`endpoints.${missing}\` must say where it is.`)
  }
}

/** The origins of given endpoints that are not on the server itself, each once. */
function foreignOrigins(label: string, endpoints: NonNullable<ProviderOptions['endpoints']>): readonly string[] {
  const given = Object.values(endpoints).filter((endpoint) => endpoint !== undefined)
  const origins = new Set(given.map((endpoint) => originOf(endpoint, label)))
  origins.delete(originOf(label))
  return [...origins].sort()
}

/** What is no URL is refused by the client. */
function originOf(endpoint: string, base?: string): string {
  return URL.canParse(endpoint, base) ? new URL(endpoint, base).origin : endpoint
}

/** The parts of a URL that an issuer identifier may have. What is no URL is refused by the client. */
function withoutQuery(endpoint: string): string {
  return endpoint.split(/[?#]/)[0] as string
}

function clientOptionsOf(
  options: ProviderOptions,
  issuer: string,
  discovery: OAuthClientOptions['discovery'],
): OAuthClientOptions {
  const own = Object.entries(options).filter(([name]) => Object.hasOwn(shared, name))
  return { ...Object.fromEntries(own), credential: options.credential, issuer, discovery }
}
