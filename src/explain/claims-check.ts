/** The registered claims of a token against what is expected of them. Does NOT check signature, scopes or roles. */
import { isStringArray, type JsonObject, ownMember } from '../kit/json.js'
import { askFor } from './ask-instead.js'
import type { StepFinding } from './report.js'
import type { TokenKind } from './token-structure.js'

/** Whether something expected came. `not_checked` where nothing was expected: never a match. @group Explain */
export type Match = 'match' | 'mismatch' | 'not_checked'

/** What the claims are held against. */
export interface ClaimExpectations {
  readonly kind: TokenKind
  readonly expectedAudience: string | undefined
  readonly clockToleranceSeconds: number
  readonly nowMs: number
}

interface Fault {
  readonly sentence: string
  readonly expected?: unknown
  readonly received?: unknown
}

/**
 * Judges `sub`, `aud`, `exp`, `iat`, `nbf`, and `azp` of an ID token (RFC 7519 §4.1, RFC 9068 §2.2, OpenID Connect Core
 * §3.1.3.7). The sentence is that of the first fault, and names the claims of the others.
 */
export function checkClaims(claims: JsonObject, expectations: ClaimExpectations): StepFinding {
  const rules: readonly [claim: string, fault: Fault | undefined][] = [
    ['aud', audienceFault(claims, expectations)],
    ['azp', partyFault(claims, expectations)],
    ['exp', expiryFault(claims, expectations)],
    ['iat', startFault('iat', claims, expectations)],
    ['nbf', startFault('nbf', claims, expectations)],
    ['sub', subjectFault(claims)],
  ]
  const wrong = rules.filter((rule): rule is [string, Fault] => rule[1] !== undefined)
  const [first, ...others] = wrong
  if (first === undefined) return {}
  const also = others.length === 0 ? '' : ` Also wrong: ${others.map(([claim]) => `\`${claim}\``).join(', ')}.`
  return { outcome: 'failed', ...first[1], sentence: `${first[1].sentence}${also}` }
}

/** Whether `aud` holds the expected audience. */
export function matchAudience(claims: JsonObject, expected: string | undefined): Match {
  if (expected === undefined) return 'not_checked'
  return audiencesOf(claims)?.includes(expected) === true ? 'match' : 'mismatch'
}

/** `undefined` for an `aud` that is not of one of its two forms (RFC 7519 §4.1.3). */
function audiencesOf(claims: JsonObject): readonly string[] | undefined {
  const aud = ownMember(claims, 'aud')
  if (typeof aud === 'string') return [aud]
  return isStringArray(aud) && aud.length > 0 ? aud : undefined
}

function audienceFault(claims: JsonObject, { kind, expectedAudience }: ClaimExpectations): Fault | undefined {
  const received = ownMember(claims, 'aud') ?? '(absent)'
  if (audiencesOf(claims) === undefined) {
    const sentence = `\`aud\` is absent or not a string or a list of them: a server cannot tell whom the token is for. ${askFor(claims, expectedAudience)}`
    return { sentence, expected: expectedAudience ?? 'a string or a list of strings', received }
  }
  if (matchAudience(claims, expectedAudience) !== 'mismatch') return undefined
  const cure = kind === 'id_token' ? 'Expect the `client_id` that asked for it.' : askFor(claims, expectedAudience)
  return { sentence: `The token is meant for another audience. ${cure}`, expected: expectedAudience, received }
}

/** With several audiences, `azp` has to name the client (OpenID Connect Core §3.1.3.7 rules 4 and 5). */
function partyFault(claims: JsonObject, { kind, expectedAudience }: ClaimExpectations): Fault | undefined {
  const azp = ownMember(claims, 'azp')
  if (kind !== 'id_token' || azp === undefined || expectedAudience === undefined || azp === expectedAudience) {
    return undefined
  }
  const sentence = 'The ID token was issued to another client (`azp`): a client must not take it.'
  return { sentence, expected: expectedAudience, received: azp }
}

function expiryFault(claims: JsonObject, { nowMs, clockToleranceSeconds }: ClaimExpectations): Fault | undefined {
  const exp = ownMember(claims, 'exp')
  if (!isDate(exp)) return noDate('exp', exp)
  if (nowMs < (exp + clockToleranceSeconds) * 1000) return undefined
  const sentence = `The token expired ${span(nowMs / 1000 - exp)} ago. Refresh it, or sign in again.`
  return { sentence, expected: `a time after ${utc(nowMs / 1000)}`, received: utc(exp) }
}

function startFault(
  claim: 'iat' | 'nbf',
  claims: JsonObject,
  { nowMs, clockToleranceSeconds }: ClaimExpectations,
): Fault | undefined {
  const value = ownMember(claims, claim)
  if (claim === 'nbf' && value === undefined) return undefined
  if (!isDate(value)) return noDate(claim, value)
  if (nowMs >= (value - clockToleranceSeconds) * 1000) return undefined
  const sentence = `\`${claim}\` lies ${span(value - nowMs / 1000)} ahead: compare the clocks of this machine and of the issuer.`
  return { sentence, expected: `a time until ${utc(nowMs / 1000)}`, received: utc(value) }
}

function subjectFault(claims: JsonObject): Fault | undefined {
  const sub = ownMember(claims, 'sub')
  if (typeof sub === 'string' && sub !== '') return undefined
  return {
    sentence: '`sub` is absent or not a string: the token says nothing of whom it stands for.',
    received: sub ?? '(absent)',
  }
}

function isDate(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function noDate(claim: string, value: unknown): Fault {
  const sentence = `\`${claim}\` is absent or not a number of seconds (RFC 7519 §2).`
  return { sentence, expected: 'a number', received: value ?? '(absent)' }
}

function span(seconds: number): string {
  const units = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [0, 'second'],
  ] as const
  const [size, name] = units.find(([least]) => seconds >= 2 * least) as (typeof units)[number]
  const count = Math.round(seconds / Math.max(1, size))
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

function utc(seconds: number): string {
  return seconds <= 8.64e12 ? new Date(seconds * 1000).toISOString() : String(seconds)
}
