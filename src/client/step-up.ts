import type { Challenge } from './challenges.js'

/** What a resource server wants of the next authorization request (RFC 9470 §4). @group Challenges */
export interface StepUp {
  /** For `acr_values`, in order of preference; empty when it does not matter how the user signs in. */
  readonly acrValues: readonly string[]
  /** For `max_age`; `undefined` when it does not matter when the user signed in. */
  readonly maxAgeSeconds: number | undefined
  /** Scopes that lack as well. Ask for them besides those the client has. */
  readonly scope: readonly string[]
}

const wholeSeconds = /^\d{1,10}$/

/**
 * Reads what a step-up challenge asks for: of the first challenge with `insufficient_user_authentication`, whatever its
 * scheme; `undefined` when there is none. A `max_age` that is no whole number of seconds is left out.
 *
 * Start a new authorization request with it, keep the old token for other routes, and try again once: a second challenge
 * means that this user cannot satisfy it. Does not check that the authorization server knows the `acrValues`.
 *
 * @group Challenges
 * @see {@link https://www.rfc-editor.org/rfc/rfc9470#section-3 | RFC 9470 §3}
 */
export function readStepUp(challenges: readonly Challenge[]): StepUp | undefined {
  const asking = challenges.find(({ parameters }) => parameters.get('error') === 'insufficient_user_authentication')
  if (asking === undefined) return undefined
  return stepUpFrom((name) => asking.parameters.get(name))
}

/** The members of a step-up, out of whatever carries parameters of those names. */
export function stepUpFrom(read: (name: 'acr_values' | 'max_age' | 'scope') => string | undefined): StepUp {
  const maxAge = read('max_age') ?? ''
  return {
    acrValues: words(read('acr_values')),
    maxAgeSeconds: wholeSeconds.test(maxAge) ? Number(maxAge) : undefined,
    scope: words(read('scope')),
  }
}

function words(value = ''): readonly string[] {
  return value.split(' ').filter((word) => word !== '')
}
