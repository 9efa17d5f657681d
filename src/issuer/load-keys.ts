import { UnavailableError } from '../errors/index.js'
import { emit } from '../kit/events.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import type { Loaded } from '../kit/refreshing.js'
import type { Discovery } from './discovery.js'
import { type FetchedKeySet, type FetchKeySetOptions, fetchKeySet, type KeySetLocation } from './fetch-key-set.js'
import { createKeyTable, type KeyRules, type KeyTable, readKeys } from './key-table.js'

/** What {@link loadKeys} needs besides the keys held so far. */
export interface LoadKeysOptions extends FetchKeySetOptions {
  readonly issuer: string
  readonly jwksUri: string | Discovery
  readonly rules?: KeyRules | undefined
}

/** An answer may hold a quarter of a million entries that are no keys. */
const maxToldEntries = 100

/**
 * Fetches and reads an issuer's keys. Keys that are in `previous` keep their objects; keys that are in `previous` alone
 * are withdrawn. Entries passed over become events, the first 100 of them. A set without one usable key counts as a failure: an issuer that
 * signs nothing issues nothing, so an empty set is an accident, and must not turn good tokens away.
 *
 * @throws {@link FetchFailure}, or {@link UnavailableError} from discovery.
 */
export async function loadKeys(options: LoadKeysOptions, previous: KeyTable | undefined): Promise<Loaded<KeyTable>> {
  const { issuer, surroundings } = options
  const { entries, lifetimeMs } = await fetchFromIssuer(options)
  const { keys, skipped } = readKeys(entries, previous?.keys ?? [], options.rules)
  for (const reason of skipped.slice(0, maxToldEntries))
    emit(surroundings.onEvent, { type: 'keys.entry_skipped', issuer, reason })
  if (keys.length === 0) throw new FetchFailure('no_usable_key')
  const published = new Set(keys)
  const withdrawn = (previous?.keys ?? []).filter((key) => !published.has(key))
  for (const key of withdrawn) key.withdraw()
  emit(surroundings.onEvent, { type: 'keys.refreshed', issuer, keys: keys.length, withdrawn: withdrawn.length })
  return { value: createKeyTable(keys), lifetimeMs }
}

async function fetchFromIssuer(options: LoadKeysOptions): Promise<FetchedKeySet> {
  const { jwksUri } = options
  try {
    return await fetchKeySet(await locate(jwksUri), options)
  } catch (error) {
    // The key set may have moved: the next attempt asks discovery again.
    if (typeof jwksUri !== 'string' && !(error instanceof UnavailableError)) jwksUri.invalidate()
    throw error
  }
}

/** A configured host is trusted: that of the URL itself, or the issuer's. A discovered `jwks_uri` elsewhere is not. */
async function locate(source: string | Discovery): Promise<KeySetLocation> {
  if (typeof source === 'string') return { jwksUri: source, trustedHostnames: [new URL(source).hostname] }
  const { jwks_uri: jwksUri } = await source.metadata()
  if (jwksUri === undefined) throw new FetchFailure('jwks_uri_missing')
  return { jwksUri, trustedHostnames: [new URL(source.issuer).hostname] }
}
