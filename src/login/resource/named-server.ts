/*
 * One authorization server that a resource named: its client, which finds out who it is there, and the same as a provider.
 */
import { createClientWith } from '../../client/create-client.js'
import { isOAuthClientError } from '../../client/errors.js'
import type { AuthorizationParams } from '../../client/grant-types/authorization-url.js'
import { LoginError } from '../../client/login-errors.js'
import type { OAuthClient } from '../../client/oauth-client.js'
import type { TokenSet } from '../../client/token-set.js'
import type { AuthorizationServerMetadata } from '../../issuer/authorization-server-metadata.js'
import { emit } from '../../kit/event-sink.js'
import { hideSecrets } from '../../kit/hidden.js'
import type { LoginResult } from '../login-result.js'
import type { TokenProvider } from '../token-provider.js'
import { freezeTransaction } from '../transaction.js'
import { type KnownClient, knowClient } from './known-client.js'
import type { ProtectedSettings } from './protected-options.js'
import type { SignInProvider } from './sign-in.js'

/** One server as this client uses it. Lives as long as the process knows it. */
export interface NamedIssuer {
  readonly client: OAuthClient
  /** The identifier of the resource that it issues tokens for. */
  readonly resource: string
  /** Renews and revokes the tokens for the resource. */
  readonly provider: TokenProvider
  /** Discovers it. */
  metadata(): Promise<AuthorizationServerMetadata>
  /** Finds out who the client is, once; with `forgets` anew. */
  know(forgets?: boolean): Promise<KnownClient>
}

const name = 'resource'

/** Makes a {@link NamedIssuer}. Nothing is asked before the first use. */
export function createNamedIssuer(
  settings: ProtectedSettings,
  { issuer, resource, isBound }: { readonly issuer: string; readonly resource: string; readonly isBound: boolean },
): NamedIssuer {
  const { fetch, clock, onEvent, credentials, issuers, dpop, allowsInsecure } = settings
  const own = credentials?.has(issuer) === true ? credentials.for(issuer) : undefined
  let known: KnownClient | undefined
  const options = {
    ...{ issuer, fetch, clock, onEvent, ...allowsInsecure },
    ...(own === undefined ? {} : { credential: own }),
    dpop: isBound ? (dpop ?? true) : false,
  }
  const isHearsay = own === undefined && issuers?.includes(issuer) !== true
  const { client } = createClientWith(options, { isHearsay, identity: () => known })

  async function know(forgets = false): Promise<KnownClient> {
    if (known === undefined || forgets)
      known = await knowClient(settings, { client, metadata: await client.ready() }, forgets)
    return known
  }

  async function revoke(tokens: TokenSet, call: Parameters<TokenProvider['revoke']>[1]) {
    if ((await client.ready()).revocation_endpoint === undefined) return 'unsupported'
    await know()
    const { refreshToken, accessToken } = tokens
    if (refreshToken !== undefined) await client.revoke(refreshToken, { ...call, tokenTypeHint: 'refresh_token' })
    await client.revoke(accessToken, { ...call, tokenTypeHint: 'access_token' })
    return 'revoked'
  }

  const provider: TokenProvider = {
    ...{ name, issuer, client, revoke },
    async refresh(previous, call) {
      await know()
      const refreshToken = previous.refreshToken as string
      return client.refresh({ refreshToken, previous, resource }, call)
    },
  }

  return { client, resource, provider, metadata: () => client.ready(), know }
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
