/*
 * The client credentials grant (RFC 6749 §4.4), and the cache of the tokens it yields. Tokens of users are never cached
 * here.
 */
import { clientCredentialsGrant } from 'openid-client'
import { sha256Base64url } from '#crypto'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { emit } from '../../kit/event-sink.js'
import { flag } from '../../kit/options.js'
import { createSingleFlight } from '../../kit/single-flight.js'
import { beginCall, checkParams, type Runtime, refuseArgument } from '../calls/call-endpoint.js'
import { withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import type { OAuthClientError } from '../errors.js'
import type { ClientSettings } from '../settings.js'
import type { TokenSet } from '../token-set.js'
import { listOf, requestToken, scopeList, type TokenTarget, targetParameters, targetRules } from './token-request.js'

/** What {@link OAuthClient.clientCredentials} takes beside the target. @group OAuth client */
export interface ClientCredentialsOptions extends CallOptions {
  /** Ask the server even if a usable token is known: for one a resource just refused. Default false. */
  readonly forceRefresh?: boolean | undefined
}

/** See {@link OAuthClient.clientCredentials}. */
export async function clientCredentials(
  runtime: Runtime,
  cache: TokenCache,
  target: TokenTarget,
  options: ClientCredentialsOptions | undefined,
): Promise<TokenSet> {
  const { settings } = runtime
  const call = beginCall(runtime, 'clientCredentials', options, { forceRefresh: flag })
  checkParams(call, target, targetRules)
  if (settings.authMethod === 'none') {
    refuseArgument(call, 'A public client cannot use the client credentials grant: give the client a credential.')
  }
  const form = targetParameters(call, target)
  const request = {
    retry: 'safe',
    requestedScope: scopeList(target.scope),
    send: (config, dpop) => clientCredentialsGrant(config, form, dpop),
  } satisfies Parameters<typeof requestToken>[1]
  const load = () => requestToken(runtime, request, { ...call, signal: undefined })
  const key = await keyOf(target)
  return withinCall(runtime, call, () => cache.get(key, load, options?.forceRefresh ?? false))
}

/**
 * Everything that tells one token from another; issuer, client, credential and binding are those of the client the
 * cache belongs to. Order of scopes, resources and parameters means nothing.
 */
async function keyOf({ scope, resource, audience, parameters = {} }: TokenTarget): Promise<string> {
  const sorted = [scopeList(scope), listOf(resource), listOf(audience)].map((list) => [...list].sort())
  const further = Object.entries(parameters).sort(([left], [right]) => (left < right ? -1 : 1))
  return sha256Base64url(JSON.stringify([...sorted, further]))
}

interface Entry {
  readonly key: string
  readonly tokens: TokenSet
  readonly usableUntilMs: number
  renewAtMs: number
}

/** Tokens by key: kept until shortly before they expire, renewed ahead in the background, fetched once per key at a time. */
export interface TokenCache {
  /** @param force - asks the server even if a usable token is known: for one that was refused downstream. */
  get(key: string, load: () => Promise<TokenSet>, force: boolean): Promise<TokenSet>
  /** Drops `accessToken`: it was revoked. */
  forget(accessToken: string): void
  clear(): void
}

/** How long a failed renewal ahead of time is left alone. */
const renewalPauseMs = 10_000

/** See {@link TokenCache}. */
export function createTokenCache({ tokenCache: options, clock, issuer, onEvent }: ClientSettings): TokenCache {
  let entries = createBoundedCache<Entry>(options.maxEntries)
  const flights = createSingleFlight<TokenSet>()

  const fetchInto = (key: string, load: () => Promise<TokenSet>): Promise<TokenSet> =>
    flights.run(key, async () => {
      const tokens = await load()
      const entry = toEntry(key, tokens)
      if (entry.usableUntilMs > clock()) entries.set(key, entry)
      else entries.delete(key)
      return tokens
    })

  function toEntry(key: string, tokens: TokenSet): Entry {
    const nowMs = clock()
    const expiresAtMs = tokens.expiresAt === undefined ? undefined : tokens.expiresAt * 1000
    const lifetimeMs = expiresAtMs === undefined ? options.fallbackLifetimeSeconds * 1000 : expiresAtMs - nowMs
    const usableUntilMs = nowMs + lifetimeMs - Math.min(options.marginSeconds * 1000, lifetimeMs / 10)
    const renewAtMs = nowMs + lifetimeMs - Math.min(options.refreshAheadSeconds * 1000, lifetimeMs / 5)
    return { key, tokens, usableUntilMs, renewAtMs }
  }

  function renewAhead(key: string, entry: Entry, load: () => Promise<TokenSet>): void {
    entry.renewAtMs = clock() + renewalPauseMs
    fetchInto(key, load).catch(({ code }: OAuthClientError) => {
      emit(onEvent, { type: 'client.refresh_ahead_failed', issuer, code })
    })
  }

  return {
    async get(key, load, force) {
      const entry = entries.get(key)
      const nowMs = clock()
      if (force || entry === undefined || nowMs >= entry.usableUntilMs) return fetchInto(key, load)
      if (nowMs >= entry.renewAtMs) renewAhead(key, entry, load)
      return entry.tokens
    },
    forget(accessToken) {
      for (const { key, tokens } of [...entries.values()]) if (tokens.accessToken === accessToken) entries.delete(key)
    },
    clear() {
      entries = createBoundedCache<Entry>(options.maxEntries)
    },
  }
}
