/** What an issuer says about a token, remembered for a short while. Does NOT compare the audience, nor judge `cnf`. */
import { InvalidTokenError, UnavailableError } from '../../errors/index.js'
import { scatteredMs } from '../../kit/back-off.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { monotonicClock } from '../../kit/clock.js'
import { emit, traced } from '../../kit/event-sink.js'
import { introspectionReason } from '../../kit/failure-code.js'
import type { JsonObject } from '../../kit/json.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'
import { createSingleFlight } from '../../kit/single-flight.js'
import type { TokenTarget } from './audience.js'
import type { ClaimsSchema } from './claims-schema.js'
import { applyClaimsSchema } from './claims-schema.js'
import { readIntrospectedToken, readPlainAnswer, readSignedAnswer } from './introspection-answer.js'
import { createIntrospectionGate, type IntrospectionHealth } from './introspection-gate.js'
import type { IntrospectionSettings } from './introspection-options.js'
import { createIntrospectionRequest, type IntrospectionRequestSettings } from './introspection-request.js'
import type { ClaimSettings, VerifiedEntry } from './read-claims.js'
import type { JwtSettings } from './verify-jwt.js'

/** Asks one issuer about its tokens. Built by {@link createIntrospector}. */
export interface Introspector {
  /** Whether JWTs of the issuer are introspected as well, rather than verified here. */
  readonly takesJwts: boolean
  /**
   * What the issuer says about a token, held against its rules; at once when it is remembered. Does NOT compare the
   * audience, nor judge `cnf`. Throws synchronously or rejects.
   *
   * @param tokenHash - SHA-256 of the token: the only form in which it is remembered.
   * @throws {@link InvalidTokenError} when the token is inactive or fails a rule.
   * @throws {@link UnavailableError} when the issuer does not tell.
   */
  introspect(token: string, tokenHash: string, resource: TokenTarget): MaybePromise<VerifiedEntry>
  health(): IntrospectionHealth
  /** How many answers are remembered. */
  remembered(): { readonly accepted: number; readonly refused: number }
}

/** What an {@link Introspector} is made of. */
export interface IntrospectorSettings extends IntrospectionRequestSettings {
  readonly rules: JwtSettings
  readonly schema: ClaimsSchema | undefined
  /** How many answers of each kind are held. */
  readonly maxRemembered: number
}

interface Accepted {
  readonly entry: VerifiedEntry
  readonly untilMs: number
}

interface Refused {
  readonly error: InvalidTokenError
  readonly untilMs: number
}

/**
 * Introspection at one issuer (RFC 7662, RFC 9701 where a signed answer is demanded). What was accepted is remembered
 * for at least half of `cacheSeconds` and never past `exp`, what was refused for `negativeCacheSeconds`; a failure to tell is not
 * remembered. Concurrent questions about a token are one request, and those about different ones are bounded. Good and
 * bad answers are held apart, so that invented tokens never push out good ones.
 */
export function createIntrospector(settings: IntrospectorSettings): Introspector {
  const { introspection, rules, schema, surroundings, maxRemembered } = settings
  const { clock, onEvent } = surroundings
  const { issuer } = rules
  const request = createIntrospectionRequest(settings)
  const claimRules = relaxedRules(rules, introspection)
  const accepted = createBoundedCache<Accepted>(maxRemembered)
  const refused = createBoundedCache<Refused>(maxRemembered)
  const flights = createSingleFlight<VerifiedEntry>()
  const gate = createIntrospectionGate({
    ...introspection,
    clock,
    onCircuit: (state) => emit(onEvent, { type: 'introspection.breaker', issuer, state }),
  })

  async function ask(token: string, audience: string, isKnown: boolean): Promise<JsonObject> {
    const answer = await traced(onEvent, { operation: 'introspection', issuer }, () =>
      gate.run(isKnown, (attempt) => request(token, attempt)),
    )
    if (introspection.tokenCheck !== undefined) return introspection.tokenCheck.toClaims(readPlainAnswer(answer))
    if (!introspection.signedResponse) return readPlainAnswer(answer)
    return readSignedAnswer(answer, { signer: rules, audience, maxAgeMs: introspection.timeoutMs, nowMs: clock() })
  }

  async function judge(token: string, audience: string, isKnown: boolean): Promise<VerifiedEntry> {
    const entry = readIntrospectedToken(issuer, await ask(token, audience, isKnown), claimRules, clock())
    if (schema !== undefined) await applyClaimsSchema(entry, schema)
    return entry
  }

  async function settle(key: string, token: string, audience: string): Promise<VerifiedEntry> {
    const startedMs = monotonicClock()
    const durationMs = () => Math.max(0, monotonicClock() - startedMs)
    const tellAnswer = (active: boolean) =>
      emit(onEvent, { type: 'introspection.answered', issuer, active, durationMs: durationMs() })
    try {
      const entry = await judge(token, audience, accepted.get(key) !== undefined)
      accepted.set(key, { entry, untilMs: reusableUntilMs(entry, clock() + scatteredMs(introspection.cacheMs)) })
      tellAnswer(true)
      return entry
    } catch (error) {
      if (error instanceof InvalidTokenError) {
        accepted.delete(key)
        refused.set(key, { error, untilMs: clock() + introspection.negativeCacheMs })
        tellAnswer(error.code !== 'ERR_TOKEN_INACTIVE')
      }
      if (error instanceof UnavailableError && error.code === 'ERR_INTROSPECTION_UNAVAILABLE') {
        const reason = introspectionReason(error.detail)
        emit(onEvent, { type: 'introspection.failed', issuer, reason, durationMs: durationMs() })
      }
      throw error
    }
  }

  return {
    takesJwts: introspection.introspectJwts,
    health: gate.health,
    remembered: () => ({ accepted: accepted.size, refused: refused.size }),
    introspect(token, tokenHash, { resource }) {
      const audience = introspection.signedResponseAudience ?? resource
      const key = introspection.signedResponse ? `${tokenHash} ${audience}` : tokenHash
      const nowMs = clock()
      const good = accepted.get(key)
      if (good !== undefined && nowMs < good.untilMs) return good.entry
      const bad = refused.get(key)
      if (bad !== undefined && nowMs < bad.untilMs) throw bad.error
      return flights.run(key, () => settle(key, token, audience))
    },
  }
}

/** The issuer vouches for the token, so that what a JWT must say itself may be left out. */
function relaxedRules(
  rules: ClaimSettings,
  { allowMissingAudience, tokenCheck }: IntrospectionSettings,
): ClaimSettings {
  const mayLack = [
    ...rules.optionalClaims,
    'exp',
    'iat',
    'jti',
    ...(tokenCheck === undefined ? ['sub'] : []),
    'client_id',
    ...(allowMissingAudience ? ['aud'] : []),
  ]
  return { ...rules, optionalClaims: new Set(mayLack) }
}

/** `exp` without leeway (RFC 7662 §4), and the greatest age, bound what may be reused. */
function reusableUntilMs({ expiresAt, validUntilMs }: VerifiedEntry, cacheUntilMs: number): number {
  return Math.min(cacheUntilMs, validUntilMs, (expiresAt ?? Number.POSITIVE_INFINITY) * 1000)
}
