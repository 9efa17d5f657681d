import type { DpopKeyPair } from '../../client/client-options.js'
import {
  type ClientCredential,
  type IssuerCredentials,
  publicClient,
} from '../../client/credentials/client-credential.js'
import { privateKeyJwt } from '../../client/credentials/private-key-jwt.js'
import type { SigningKey } from '../../client/credentials/signer.js'
import { isDpopPair } from '../../client/credentials/signer.js'
import type { ClientMetadata } from '../../client/registration/registered-client.js'
import type { AuthorizationServerMetadata } from '../../issuer/authorization-server-metadata.js'
import { checkUrl } from '../../issuer/identifiers.js'
import type { Clock } from '../../kit/clock.js'
import type { EventListener } from '../../kit/events.js'
import type { Fetch } from '../../kit/fetch/platform-fetch.js'
import { isJsonObject } from '../../kit/json.js'
import {
  checkOptions,
  func,
  integer,
  members,
  methods,
  object,
  orFalse,
  type Rules,
  required,
  takes,
  text,
  textOrTexts,
  texts,
  toList,
} from '../../kit/options.js'
import { type Surroundings, surroundingsRules, toSurroundings } from '../../kit/surroundings.js'
import type { LockStore, TokenStore } from '../../stores/contract.js'
import { createMemoryTokenStore } from '../../stores/memory/memory-token-store.js'
import type { SignIn } from './sign-in.js'

/** An authorization server that a resource named. @group Protected resources */
export interface NamedServer {
  readonly issuer: string
  readonly metadata: AuthorizationServerMetadata
}

/** The client as its own document describes it (CIMD). @group Protected resources */
export interface ClientDocumentOptions {
  /** The https URL of the document: the `client_id`, character by character. See `clientMetadataDocument`. */
  readonly url: string
  /** The keys of `private_key_jwt`, where the document names that method. Left out: a public client. */
  readonly keys?: readonly SigningKey[] | undefined
}

/** How the client registers where it is not known (RFC 7591). @group Protected resources */
export interface ResourceRegistrationOptions {
  /** Members that win over those of the way to sign in. */
  readonly metadata?: ClientMetadata | undefined
  readonly initialAccessToken?: string | undefined
  /** The keys of `private_key_jwt`: give `jwks` or `jwks_uri` in `metadata`. */
  readonly keys?: readonly SigningKey[] | undefined
}

/** A step on the way from a refused request to a token: for a program that shows what happens. @group Protected resources */
export interface ProtectedStep {
  readonly step: 'challenge' | 'resource_metadata' | 'authorization_server' | 'client' | 'sign_in' | 'token'
  /** What was found, in words for people: URLs, scopes, names. Never a token, a code or a secret. */
  readonly found: string
}

/** Options of {@link createProtectedFetch}. Read once, checked completely. @group Protected resources */
export interface ProtectedFetchOptions {
  /** The URL of the protected resource: its identifier. Requests go to it and below it, and nowhere else. */
  readonly resource: string
  /** How tokens are got where there are none: `nativeSignIn`, `clientCredentialsSignIn` and others. */
  readonly signIn: SignIn
  /** Scopes to ask for besides those that the resource asks for. */
  readonly scope?: string | readonly string[] | undefined
  /** Credentials of clients that were registered before, by issuer: see `perIssuer`. */
  readonly credentials?: IssuerCredentials | undefined
  /** Used where the server takes such documents, and there is no credential for it. */
  readonly clientDocument?: ClientDocumentOptions | undefined
  /** `false` registers nowhere. */
  readonly registration?: ResourceRegistrationOptions | false | undefined
  /** The name of this client in registrations. Default `Portcullis client`. */
  readonly clientName?: string | undefined
  /** Asked last: for a credential at a server where the client is not known. */
  readonly ask?:
    | ((server: NamedServer) => ClientCredential | undefined | Promise<ClientCredential | undefined>)
    | undefined
  /** The authorization servers that may be used. Default: any that the resource names, on the public internet. */
  readonly issuers?: readonly string[] | undefined
  /** Chooses among several. Default: one with a credential, else the first. */
  readonly chooseIssuer?: ((issuers: readonly string[]) => string | Promise<string>) | undefined
  /** Keeps tokens and registrations. Default: the memory of this process. */
  readonly store?: TokenStore | undefined
  /** Lets one process at a time renew the tokens; needed where the store outlives the process. */
  readonly lock?: LockStore | undefined
  /** Whose tokens: made of issuer and subject where one process serves several users. Default: one user. */
  readonly user?: string | undefined
  /**
   * `false` never asks for bound tokens. A pair of keys binds them to it, also beyond this process. Default: a pair of this
   * process, where the resource takes bound tokens and the store is gone with the process, or where it takes no others.
   */
  readonly dpop?: false | DpopKeyPair | undefined
  /** How long one request may take, the body of its answer included. 1 to 2,147,483,647, default 30,000. */
  readonly timeoutMs?: number | undefined
  /** Told of every step. What it throws is swallowed. */
  readonly onStep?: ((step: ProtectedStep) => void) | undefined
  /** Accept `http` on loopback hosts. For development and tests. Default false. */
  readonly allowInsecureLoopback?: boolean | undefined
  /** Accept `http` for these hosts, and private addresses behind them. Default none. */
  readonly dangerouslyAllowInsecureHosts?: readonly string[] | undefined
  /** Default: the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
  readonly onEvent?: EventListener | undefined
}

const { fetch: _fetch, ...shared } = surroundingsRules

const protectedRules: Rules<ProtectedFetchOptions> = {
  ...shared,
  fetch: func,
  resource: required(text),
  signIn: required(takes(isSignIn, 'a way to sign in, such as clientCredentialsSignIn()')),
  scope: textOrTexts,
  credentials: methods('has', 'for'),
  clientDocument: members<ClientDocumentOptions>({
    url: required(takes(isDocumentUrl, 'an https URL with a path')),
    keys: takes(Array.isArray, 'an array of signing keys'),
  }),
  registration: orFalse(
    members<ResourceRegistrationOptions>({
      metadata: object,
      initialAccessToken: text,
      keys: takes(Array.isArray, 'an array of signing keys'),
    }),
  ),
  clientName: text,
  ask: func,
  issuers: texts,
  chooseIssuer: func,
  store: methods('get', 'set', 'replace', 'delete', 'describe'),
  lock: methods('acquire'),
  user: text,
  dpop: takes((value) => value === false || isDpopPair(value), 'false, or a pair of CryptoKeys'),
  timeoutMs: integer(1),
  onStep: func,
}

function isSignIn(value: unknown): boolean {
  const { metadata, getTokens } = Object(value) as Partial<SignIn>
  return isJsonObject(metadata) && typeof getTokens === 'function'
}

function isDocumentUrl(value: unknown): boolean {
  return typeof value === 'string' && /^https:\/\/[^/@?#]+\/[^?#]+$/.test(value) && URL.canParse(value)
}

/** {@link ProtectedFetchOptions}, checked and complete. */
export interface ProtectedSettings extends Surroundings {
  /** Canonical: scheme and host in lower case, no fragment. */
  readonly resource: string
  readonly signIn: SignIn
  readonly scope: readonly string[]
  readonly credentials: IssuerCredentials | undefined
  /** Of the client's document. */
  readonly documentCredential: ClientCredential | undefined
  readonly registration: ResourceRegistrationOptions | undefined
  readonly clientName: string
  readonly ask: ProtectedFetchOptions['ask']
  readonly issuers: readonly string[] | undefined
  readonly chooseIssuer: ProtectedFetchOptions['chooseIssuer']
  readonly store: TokenStore
  readonly lock: LockStore | undefined
  readonly user: string
  readonly dpop: false | DpopKeyPair | undefined
  readonly timeoutMs: number
  readonly onStep: ProtectedFetchOptions['onStep']
  readonly allowsInsecure: Pick<ProtectedFetchOptions, 'allowInsecureLoopback' | 'dangerouslyAllowInsecureHosts'>
}

/** @throws `ConfigurationError` for an option that is wrong or unknown. */
export function toProtectedSettings(what: string, options: ProtectedFetchOptions): ProtectedSettings {
  checkOptions(what, options, protectedRules)
  const { allowInsecureLoopback, dangerouslyAllowInsecureHosts, scope = [], clock, onEvent } = options
  const fetch = options.fetch as Fetch | undefined
  const surroundings = toSurroundings({ allowInsecureLoopback, dangerouslyAllowInsecureHosts, clock, onEvent, fetch })
  checkUrl('resource', options.resource, surroundings.insecureHosts)
  return {
    ...surroundings,
    resource: canonical(options.resource),
    signIn: options.signIn,
    scope: toList(scope).flatMap((item) => item.split(' ').filter((word) => word !== '')),
    credentials: options.credentials,
    documentCredential: documentCredentialOf(options.clientDocument),
    registration: options.registration === false ? undefined : (options.registration ?? {}),
    clientName: options.clientName ?? 'Portcullis client',
    ask: options.ask,
    issuers: options.issuers,
    chooseIssuer: options.chooseIssuer,
    store: options.store ?? createMemoryTokenStore({ clock: surroundings.clock }),
    lock: options.lock,
    user: options.user ?? '',
    dpop: options.dpop,
    timeoutMs: options.timeoutMs ?? 30_000,
    onStep: options.onStep,
    allowsInsecure: { allowInsecureLoopback, dangerouslyAllowInsecureHosts },
  }
}

function documentCredentialOf(document: ClientDocumentOptions | undefined): ClientCredential | undefined {
  if (document === undefined) return undefined
  const { url: clientId, keys } = document
  return keys === undefined ? publicClient({ clientId }) : privateKeyJwt({ clientId, keys })
}

/** Scheme and host in lower case; the rest stays, byte for byte. */
function canonical(resource: string): string {
  return resource.replace(/^[^/]*\/\/[^/?]*/, (origin) => origin.toLowerCase())
}
