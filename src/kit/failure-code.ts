import { FetchFailure, type FetchFailureReason, isFetchFailureReason } from './fetch/fetch-failure.js'

/**
 * Why the metadata or the keys of an issuer cannot be used. A closed set of codes: nothing that was sent or received is
 * ever in it. `unexpected` stands for an error of the platform or of an injected function.
 *
 * @group Events
 */
export type IssuerFailureReason = FetchFailureReason | 'unexpected'

/**
 * Why introspection tells nothing about a token. A closed set of codes, as {@link IssuerFailureReason}; those with
 * `signed_answer` name the check of RFC 9701 §5 that a signed answer failed.
 *
 * @group Events
 */
export type IntrospectionFailureReason = IssuerFailureReason | (typeof introspectionReasons)[number]

/**
 * Why an entry of a key set was passed over: what is wrong with it, or which of its members. A closed set of codes.
 * `key_conditions`: it is not as the issuer's `keyConditions` demand; `pem`: a text in the place of a JWK that is no PEM of
 * a public key.
 *
 * @group Events
 */
export type KeyRefusalCode =
  | 'not_an_object'
  | 'private_or_symmetric'
  | 'use'
  | 'key_ops'
  | 'alg'
  | 'kid'
  | 'kty'
  | 'curve'
  | 'coordinates'
  | 'weak_point'
  | 'modulus'
  | 'modulus_size'
  | 'roca'
  | 'exponent'
  | 'key_conditions'
  | 'pem'

const introspectionReasons = [
  'endpoint_missing',
  'credential_unavailable',
  'credential_refused',
  'active_missing',
  'overloaded',
  'circuit_open',
  'signed_answer_missing',
  'signed_answer_malformed',
  'signed_answer_type',
  'signed_answer_algorithm',
  'signed_answer_critical_header',
  'signed_answer_key',
  'signed_answer_signature',
  'signed_answer_issuer',
  'signed_answer_audience',
  'signed_answer_time',
  'signed_answer_content',
] as const

/** `detail` where it is one of these codes, else `unexpected`: the error of an application may hold any text. */
export function issuerReason(detail: string | undefined): IssuerFailureReason {
  return isFetchFailureReason(detail) ? detail : 'unexpected'
}

/** As {@link issuerReason}, for introspection. */
export function introspectionReason(detail: string | undefined): IntrospectionFailureReason {
  return introspectionReasons.find((reason) => reason === detail) ?? issuerReason(detail)
}

const plainName = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/** How Redis says what is wrong: the first word of an error reply. */
const redisCode =
  /^(?:BUSY|CLUSTERDOWN|ERR|LOADING|MASTERDOWN|MISCONF|MOVED|NOAUTH|NOPERM|NOREPLICAS|OOM|READONLY|TRYAGAIN|WRONGPASS|WRONGTYPE)(?= )/

/**
 * What failed, as a code for events and metrics: the reason of a {@link FetchFailure}, else the `code` of an error of the
 * platform or a driver, else the code of a Redis reply such as `OOM`, else its class. Never anything more of a message:
 * that is free text of somebody else's, and may hold addresses and credentials. Never throws.
 */
export function failureCode(thrown: unknown): string {
  try {
    if (thrown instanceof FetchFailure) return thrown.reason
    const { code, name, message } = Object(thrown) as Partial<Record<'code' | 'name' | 'message', unknown>>
    const reply = typeof message === 'string' ? redisCode.exec(message)?.[0] : undefined
    const isPlain = (text: unknown): text is string => typeof text === 'string' && plainName.test(text)
    return [code, reply, name].find(isPlain) ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
