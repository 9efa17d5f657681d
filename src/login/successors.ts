/*
 * What refresh tokens were exchanged for, for a short time: two requests of one cookie come with the same one.
 */
import { sha256Base64url } from '#crypto'
import type { TokenSet } from '../client/token-set.js'
import { createShortMemory, type ShortMemory } from '../kit/bounded-cache.js'
import type { Clock } from '../kit/clock.js'
import type { TokenProvider } from './token-provider.js'

interface SuccessorSettings {
  readonly provider: TokenProvider
  readonly clock: Clock
}

/** What a refresh token was exchanged for, or that its session is over. */
type Successor = TokenSet | 'ended'

const successorMs = 60_000
const maxSuccessors = 1000
const ofProviders = new WeakMap<TokenProvider, ShortMemory<Successor>>()

/** By the hash of the refresh token: who comes with one that was just spent gets what it was exchanged for. */
export function successorsOf({ provider, clock }: SuccessorSettings): ShortMemory<Successor> {
  const known = ofProviders.get(provider) ?? createShortMemory<Successor>(maxSuccessors, successorMs, clock)
  ofProviders.set(provider, known)
  return known
}

/** Keeps the tokens of a session that is over from coming out of the memory of this process. */
export async function forgetSuccessors(settings: SuccessorSettings, { refreshToken }: TokenSet): Promise<void> {
  if (refreshToken !== undefined) successorsOf(settings).set(await sha256Base64url(refreshToken), 'ended')
}
