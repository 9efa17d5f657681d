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
  readonly key: string
  readonly clock: Clock
}

/** What a refresh token was exchanged for, or that its session is over. */
type Successor = TokenSet | 'ended'

const successorMs = 60_000
const maxSuccessors = 1000
const ofProviders = new WeakMap<TokenProvider, ShortMemory<Successor>>()

function memoryOf({ provider, clock }: SuccessorSettings): ShortMemory<Successor> {
  const known = ofProviders.get(provider) ?? createShortMemory<Successor>(maxSuccessors, successorMs, clock)
  ofProviders.set(provider, known)
  return known
}

/** Some servers give one refresh token to two sessions of a user: the end of one is not that of the other. */
const endOf = (hash: string, { key }: SuccessorSettings): string => `${hash}\n${key}`

/** Who comes with a refresh token that was just spent gets what it was exchanged for, under whatever key that was. */
export async function successorOf(
  settings: SuccessorSettings,
  { refreshToken }: TokenSet,
): Promise<Successor | undefined> {
  if (refreshToken === undefined) return undefined
  const hash = await sha256Base64url(refreshToken)
  const memory = memoryOf(settings)
  return memory.get(endOf(hash, settings)) ?? memory.get(hash)
}

/** Remembers what the refresh token of `previous` was exchanged for. */
export async function rememberSuccessor(
  settings: SuccessorSettings,
  { refreshToken }: TokenSet,
  next: TokenSet,
): Promise<void> {
  memoryOf(settings).set(await sha256Base64url(refreshToken as string), next)
}

/** Keeps the tokens of a session that is over from coming out of the memory of this process. */
export async function forgetSuccessors(settings: SuccessorSettings, { refreshToken }: TokenSet): Promise<void> {
  if (refreshToken !== undefined) memoryOf(settings).set(endOf(await sha256Base64url(refreshToken), settings), 'ended')
}
