/*
 * One authorization server that a resource named: its client, which finds out who it is there, and the same as a provider.
 */
import type { CallOptions } from '../../client/client-options.js'
import { createClientWith } from '../../client/create-client.js'
import { DiscoveryError, isOAuthClientError } from '../../client/errors.js'
import type { AuthorizationParams } from '../../client/grant-types/authorization-url.js'
import { LoginError } from '../../client/login-errors.js'
import type { OAuthClient } from '../../client/oauth-client.js'
import type { TokenSet } from '../../client/token-set.js'
import type { AuthorizationServerMetadata } from '../../issuer/authorization-server-metadata.js'
import { emit } from '../../kit/event-sink.js'
import { hideSecrets } from '../../kit/hidden.js'
import type { LoginResult } from '../login-result.js'
import { revokeBoth } from '../revoke-tokens.js'
import type { TokenProvider } from '../token-provider.js'
import { freezeTransaction } from '../transaction.js'
import { oldRevision } from './find-resource.js'
import { type KnownClient, knowClient } from './known-client.js'
import type { ProtectedSettings } from './protected-options.js'
import type { SignInProvider } from './sign-in.js'

/** A server that nothing names: the origin of the resource stands for it (MCP authorization, revision 2025-03-26, §2.3). */
export interface AssumedServer {
  /** What its metadata at the root of the origin names as the issuer. Without metadata it has the paths of that revision. */
  readonly documentIssuer: string | undefined
}

/** Which server, and what for. */
export interface NamedIssuerOptions {
  readonly issuer: string
  /** The identifier of the resource that it issues tokens for. */
  readonly resource: string
  readonly isBound: boolean
  /** `undefined` where the metadata of the resource names the server. */
  readonly assumed: AssumedServer | undefined
}

/** One server as this client uses it. Lives as long as the process knows it. */
export interface NamedIssuer extends Pick<NamedIssuerOptions, 'resource' | 'assumed'> {
  readonly client: OAuthClient
  /** Renews and revokes the tokens for the resource. */
  readonly provider: TokenProvider
  /** Discovers it. @throws {@link DiscoveryError} for an endpoint of an origin elsewhere, where only the origin vouches. */
  metadata(): Promise<AuthorizationServerMetadata>
  /** Finds out who the client is, once. */
  know(): Promise<KnownClient>
  /** Says that the server does not know this client any more: it is another one from now on. False for no registration. */
  forget(client: { readonly by: string; readonly clientId: string }): boolean
}

const name = 'resource'

/** How a server that nothing names is asked, and where it is if it publishes nothing. */
function waysTo(assumed: AssumedServer | undefined) {
  if (assumed === undefined) return {}
  const headers = oldRevision
  const endpoints = { authorization: '/authorize', token: '/token', registration: '/register' }
  const isSilent = assumed.documentIssuer === undefined
  return isSilent ? { headers, discovery: false as const, endpoints } : { headers, discovery: 'oauth2' as const }
}

/** Makes a {@link NamedIssuer}. Nothing is asked before the first use. */
export function createNamedIssuer(
  settings: ProtectedSettings,
  { issuer, resource, isBound, assumed }: NamedIssuerOptions,
): NamedIssuer {
  const { fetch, clock, onEvent, credentials, issuers, dpop, allowsInsecure } = settings
  let known: KnownClient | undefined
  let refused: string | undefined
  const options = {
    ...{ issuer, fetch, clock, onEvent, ...allowsInsecure, ...waysTo(assumed) },
    dpop: isBound ? (dpop ?? true) : false,
  }
  const isHearsay = credentials?.has(issuer) !== true && issuers?.includes(issuer) !== true
  const ownName = assumed?.documentIssuer ?? issuer
  const { client } = createClientWith(options, {
    ...{ isHearsay, identity: () => known },
    ...{ documentIssuers: [ownName], isIssuer: (text: unknown) => text === ownName },
  })

  async function metadata(): Promise<AuthorizationServerMetadata> {
    const found = await client.ready()
    if (assumed !== undefined) refuseElsewhere(found, issuer)
    return found
  }

  async function know(): Promise<KnownClient> {
    known ??= await knowClient(settings, { client, metadata: await metadata() }, refused)
    return known
  }

  function forget({ by, clientId }: Parameters<NamedIssuer['forget']>[0]): boolean {
    if (by !== 'registration') return false
    refused = clientId
    known = undefined
    return true
  }

  /** A server that lost the registration gets another one: whether it takes the refresh token then is for it to say. */
  async function refresh(previous: TokenSet, call: CallOptions | undefined, isAgain = false): Promise<TokenSet> {
    const self = await know()
    try {
      return await client.refresh({ refreshToken: previous.refreshToken as string, previous, resource }, call)
    } catch (error) {
      if (isAgain || !isUnknownClient(error) || !forget(self)) throw error
      return refresh(previous, call, true)
    }
  }

  async function revoke(tokens: TokenSet, call: CallOptions | undefined) {
    if ((await metadata()).revocation_endpoint === undefined) return 'unsupported'
    await know()
    return revokeBoth(tokens, (token, tokenTypeHint) => client.revoke(token, { ...call, tokenTypeHint }))
  }

  const provider: TokenProvider = {
    ...{ name, issuer, client, revoke },
    refresh: (previous, call) => refresh(previous, call),
  }

  return { client, resource, assumed, provider, metadata, know, forget }
}

/** Whether a server refused a client that it knew before. */
export function isUnknownClient(error: unknown): boolean {
  return isOAuthClientError(error) && error.code === 'ERR_INVALID_CLIENT'
}

/** Nobody but the origin says that it is the server: it cannot say so of another one. */
function refuseElsewhere(metadata: AuthorizationServerMetadata, issuer: string): void {
  for (const [member, value] of Object.entries(metadata)) {
    const isEndpoint = /(?:_endpoint|^jwks_uri)$/.test(member) && typeof value === 'string'
    if (isEndpoint && URL.canParse(value) && new URL(value).origin !== issuer) {
      throw new DiscoveryError('ERR_RESOURCE_ISSUER', { issuer, detail: 'an endpoint has another origin' })
    }
  }
}

/** What every authorization request at the server says. */
export type Asked = Required<Pick<AuthorizationParams, 'scope' | 'resource'>> &
  Pick<AuthorizationParams, 'acrValues' | 'maxAgeSeconds'>

const transactionSeconds = 600

/** The server as a provider, for ways that send the user there. The account is the subject of the ID token, else the client. */
export function toSignInProvider(
  { clock, onEvent }: ProtectedSettings,
  client: OAuthClient,
  asked: Asked,
): SignInProvider {
  const { issuer } = client
  const scopesOf = (scopes: readonly string[] | undefined) => scopes ?? asked.scope

  function finish({ tokens, claims }: Pick<LoginResult, 'tokens' | 'claims'>): LoginResult {
    emit(onEvent, { type: 'login.completed', provider: name, issuer })
    const account = Object.freeze({ issuer, subject: claims?.sub ?? (client.clientId as string) })
    return Object.freeze({ tokens, claims, userInfo: undefined, account })
  }

  async function ending<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isOAuthClientError(error)) emit(onEvent, { type: 'login.failed', provider: name, issuer, code: error.code })
      throw error
    }
  }

  return {
    name,
    async authorizationRequest({ scopes, returnTo, ...params }, call) {
      const request = await client.authorizationRequest({ ...asked, ...params, scope: scopesOf(scopes) }, call)
      const createdAt = Math.floor(clock() / 1000)
      const { url, state, nonce, codeVerifier } = request
      const transaction = freezeTransaction({
        ...{ v: 1, id: crypto.randomUUID(), provider: name, issuer, clientId: client.clientId as string, returnTo },
        ...{ createdAt, expiresAt: createdAt + transactionSeconds, ...request, state, nonce, codeVerifier },
      })
      emit(onEvent, { type: 'login.started', provider: name, issuer })
      return hideSecrets({ transaction }, { url })
    },
    redeem: (callback, transaction, call) =>
      ending(async () => {
        const isOwn = transaction.issuer === issuer && transaction.clientId === client.clientId
        if (!isOwn || transaction.expiresAt * 1000 <= clock()) {
          throw new LoginError('ERR_LOGIN_TRANSACTION', { operation: 'exchangeCode', issuer })
        }
        return finish(await client.exchangeCode({ callback, request: transaction }, call))
      }),
    async deviceAuthorization({ scopes, ...params } = {}, call) {
      const { resource } = asked
      const device = await client.deviceAuthorization({ resource, ...params, scope: scopesOf(scopes) }, call)
      emit(onEvent, { type: 'login.started', provider: name, issuer })
      const poll = (options = {}) => ending(async () => finish(await device.poll(options)))
      return hideSecrets({ ...device, poll }, { deviceCode: device.deviceCode })
    },
  }
}
