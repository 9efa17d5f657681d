import { constantTimeEqual, hmacSha256Base64url } from '#crypto'
import type { Clock } from '../../kit/clock.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'

/** The server nonces of one set of secrets (RFC 9449 §8, §9). */
export interface DpopNonces {
  /** The nonce to hand out now. The same for everybody within one step of time. */
  current(): MaybePromise<string>
  /** Whether `nonce` is one handed out within the lifetime, by any instance that shares a secret. */
  isValid(nonce: string): MaybePromise<boolean>
  /** How long a nonce is accepted at most, from the moment it could first be handed out. */
  readonly lifetimeMs: number
}

/** What nonces are made of. */
export interface DpopNonceSettings {
  /** At least one, each of 32 bytes or more: the first signs, all verify. */
  readonly secrets: readonly (string | Uint8Array)[]
  readonly maxAgeSeconds: number
  readonly clock: Clock
}

const form = /^([1-9a-z][0-9a-z]{0,9})\.[\w-]{43}$/
const stepsPerLifetime = 10
const rememberedSteps = 32

/**
 * Stateless rotating nonces: the time of issue and its HMAC-SHA-256 (RFC 9449 §11.1, §11.3). Time goes in steps of a
 * tenth of the lifetime, so that one HMAC serves all requests of a step, and nonces of earlier steps stay good until
 * their lifetime is over. One step ahead of the clock is accepted too: another instance's clock may be fast.
 */
export function createDpopNonces({ secrets, maxAgeSeconds, clock }: DpopNonceSettings): DpopNonces {
  const keys = secrets.map((secret) => (typeof secret === 'string' ? new TextEncoder().encode(secret) : secret.slice()))
  const stepSeconds = Math.max(1, Math.floor(maxAgeSeconds / stepsPerLifetime))
  const remembered = new Map<number, MaybePromise<readonly string[]>>()

  function noncesOf(issuedAt: number): MaybePromise<readonly string[]> {
    const known = remembered.get(issuedAt)
    if (known !== undefined) return known
    if (remembered.size >= rememberedSteps) remembered.clear()
    const nonces = signAll(keys, issuedAt)
    remembered.set(issuedAt, nonces)
    return nonces
  }

  return {
    current() {
      const step = Math.floor(clock() / 1000 / stepSeconds) * stepSeconds
      return whenReady(noncesOf(step), ([signed]) => signed as string)
    },
    isValid(nonce) {
      const issuedAt = Number.parseInt(form.exec(nonce)?.[1] ?? '', 36)
      const age = clock() / 1000 - issuedAt
      if (!(age < maxAgeSeconds && age >= -stepSeconds)) return false
      return whenReady(noncesOf(issuedAt), (nonces) => equalsAny(nonce, nonces))
    },
    lifetimeMs: (maxAgeSeconds + stepSeconds) * 1000,
  }
}

function signAll(keys: readonly Uint8Array[], issuedAt: number): MaybePromise<readonly string[]> {
  const time = issuedAt.toString(36)
  const macs = keys.map((key) => whenReady(hmacSha256Base64url(key, `dpop-nonce.${time}`), (mac) => `${time}.${mac}`))
  return macs.some((mac) => mac instanceof Promise) ? Promise.all(macs) : (macs as string[])
}

function equalsAny(nonce: string, candidates: readonly string[]): boolean {
  let found = false
  for (const candidate of candidates) found = constantTimeEqual(nonce, candidate) || found
  return found
}
