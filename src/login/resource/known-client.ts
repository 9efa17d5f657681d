/*
 * Who a client is at an authorization server that it has just found: by a credential it has, by its metadata document, by
 * registration, or by asking the application. Registrations are kept per issuer.
 */
import { sha256Base64url } from '#crypto'
import type { ClientAuthMethod, ClientCredential } from '../../client/credentials/client-credential.js'
import { acceptsClientMetadataDocument } from '../../client/credentials/documents.js'
import { ClientConfigurationError } from '../../client/errors.js'
import type { OAuthClient } from '../../client/oauth-client.js'
import {
  type ClientMetadata,
  credentialOf,
  type RegisteredClient,
  restoreRegistration,
} from '../../client/registration/registered-client.js'
import type { AuthorizationServerMetadata } from '../../issuer/authorization-server-metadata.js'
import { isJsonObject, isStringArray, ownMember } from '../../kit/json.js'
import { keepObject, readObject, replaceObject } from './kept-text.js'
import type { ProtectedSettings, ResourceRegistrationOptions } from './protected-options.js'

/** How the client is known at a server. */
export interface KnownClient {
  readonly clientId: string
  readonly credential: ClientCredential
  readonly by: 'credential' | 'document' | 'registration' | 'application'
}

/** A registration, as far as the store has one that serves, and the version it was read by. */
interface KeptRegistration {
  readonly client: RegisteredClient | undefined
  readonly version: string | undefined
}

/** One server, and what it says of itself. */
export interface AskedServer {
  readonly client: Pick<OAuthClient, 'register' | 'issuer'>
  readonly metadata: AuthorizationServerMetadata
}

/**
 * Finds out who the client is: a credential for this issuer, else the metadata document where the server takes one, else a
 * registration where the server has an endpoint for it, else what the application answers (MCP).
 *
 * @param refused - the identifier of a registration that the server does not know any more.
 * @throws {@link ClientConfigurationError} `ERR_CLIENT_UNKNOWN` where no way is left, and what a registration rejects with.
 */
export async function knowClient(
  settings: ProtectedSettings,
  server: AskedServer,
  refused: string | undefined,
): Promise<KnownClient> {
  const { issuer } = server.client
  const { credentials, documentCredential, registration, ask } = settings
  if (credentials?.has(issuer) === true) return named(issuer, credentials.for(issuer), 'credential')
  if (documentCredential !== undefined && acceptsClientMetadataDocument(server.metadata)) {
    return named(issuer, documentCredential, 'document')
  }
  if (registration !== undefined && server.metadata.registration_endpoint !== undefined) {
    return registered(settings, registration, server, refused)
  }
  const answer = await ask?.({ issuer, metadata: server.metadata })
  if (answer !== undefined) return named(issuer, answer, 'application')
  throw new ClientConfigurationError('ERR_CLIENT_UNKNOWN', { operation: 'register', issuer })
}

function named(issuer: string, credential: ClientCredential, by: KnownClient['by']): KnownClient {
  const { clientId } = credential
  if (clientId !== undefined) return { clientId, credential, by }
  throw new ClientConfigurationError('ERR_CLIENT_UNKNOWN', { issuer, detail: 'the credential names no client' })
}

async function registered(
  settings: ProtectedSettings,
  options: ResourceRegistrationOptions,
  { client: server, metadata: document }: AskedServer,
  refused: string | undefined,
): Promise<KnownClient> {
  const { issuer } = server
  const { keys, initialAccessToken } = options
  const method = methodFor(document, keys !== undefined)
  const base = { client_name: settings.clientName, token_endpoint_auth_method: method }
  const metadata: ClientMetadata = { ...base, ...settings.signIn.metadata, ...options.metadata }
  const look = () => load(settings, issuer, metadata.redirect_uris ?? [], refused)
  const kept = await look()
  const register = () => server.register(metadata, { initialAccessToken })
  const client = kept.client ?? (await keep(settings, await register(), kept.version, look))
  try {
    return { clientId: client.clientId, credential: credentialOf(client, { method, keys }), by: 'registration' }
  } catch (error) {
    throw new ClientConfigurationError('ERR_REGISTRATION_UNUSABLE', { issuer, message: (error as Error).message })
  }
}

/**
 * Keeps a registration. Where another process was faster, its registration is used: tokens are bound to one client, and
 * whoever renews them has to be that one.
 */
async function keep(
  { store, clock }: ProtectedSettings,
  fresh: RegisteredClient,
  version: string | undefined,
  look: () => Promise<KeptRegistration>,
): Promise<RegisteredClient> {
  const { issuer, raw } = fresh
  const key = await keyOf(issuer)
  if (await replaceObject(store, key, version, { issuer, raw }, clock())) return fresh
  const { client: winner } = await look()
  if (winner === undefined) await keepObject(store, key, { issuer, raw }, clock())
  return winner ?? fresh
}

/** A way to authenticate that the server has; without a secret where it can be. */
function methodFor(server: AuthorizationServerMetadata, hasKeys: boolean): ClientAuthMethod {
  const listed: unknown = server.token_endpoint_auth_methods_supported
  const own: readonly ClientAuthMethod[] = ['none', 'client_secret_basic', 'client_secret_post']
  const methods = hasKeys ? (['private_key_jwt', ...own] as const) : own
  return methods.find((name) => !isStringArray(listed) || listed.includes(name)) ?? 'none'
}

async function keyOf(issuer: string): Promise<string> {
  return `client:${await sha256Base64url(issuer)}`
}

/** A registration of other redirect URIs, whose secret has expired, or that the server refused is as good as none. */
async function load(
  { store, clock }: ProtectedSettings,
  issuer: string,
  redirectUris: readonly string[],
  refused: string | undefined,
): Promise<KeptRegistration> {
  const { object, version } = await readObject(store, await keyOf(issuer))
  const { issuer: of, raw } = object ?? {}
  if (of !== issuer || !isJsonObject(raw)) return { client: undefined, version }
  const client = restoreRegistration({ issuer, raw })
  const { clientSecretExpiresAt = 0, clientId, metadata } = client
  const isOver = clientSecretExpiresAt !== 0 && clientSecretExpiresAt * 1000 <= clock()
  const registeredUris = ownMember(metadata, 'redirect_uris') ?? redirectUris
  const fits = isStringArray(registeredUris) && redirectUris.every((uri) => registeredUris.includes(uri))
  return { client: isOver || !fits || clientId === refused ? undefined : client, version }
}
