/** What becomes of a refusal: the error of this one request, the event, the answer. Does NOT send it. */
import { Auth, type AuthScheme, Passage, passage } from '../auth/auth.js'
import { type AuthError, copyError, InternalError, isAuthError } from '../errors/index.js'
import type { AuthEvents } from './auth-events.js'
import type { Refused } from './auth-result.js'
import { toAnswer } from './challenge/answer.js'
import { compileGate, type Gate } from './compile-gate.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import { type Judged, show, type Watchers } from './seen.js'

/** Makes refusals of what was thrown, whatever it is. */
export interface Refusals<Claims> {
  /** Of what a gate threw. */
  refuse(thrown: unknown, gate: Gate<Claims>, scheme: AuthScheme | undefined, judged: Judged): Refused
  /** Of what came up after the guard, see `ResourceServer.refuse`. An error that was told of is not told of again. */
  refuseLater(thrown: unknown, auth: Auth<unknown> | undefined): Refused
}

/** Makes the refusals of one server. */
export function createRefusals<Claims>(
  options: ResourceServerSettings,
  tell: AuthEvents,
  watchers: Watchers,
): Refusals<Claims> {
  const guarded = new Set(options.resources.map(({ resource }) => resource))

  function refuse(thrown: unknown, gate: Gate<Claims>, scheme: AuthScheme | undefined, judged: Judged): Refused {
    const error = isAuthError(thrown) ? thrown : new InternalError(thrown)
    const { resource } = gate.resource
    const result = answered(tell.refused(error, resource, scheme, judged), gate, scheme, judged.passage)
    show(watchers, { judged, resource, scheme, error: result.error, answer: result.answer })
    return result
  }

  return {
    refuse,
    refuseLater(thrown, auth) {
      const caller = auth instanceof Auth && guarded.has(auth.resource) ? auth : undefined
      const requirement = { resource: caller?.resource ?? options.resources[0]?.resource }
      const gate = compileGate<Claims>(options, requirement)
      const its = caller?.[passage] ?? new Passage()
      if (tell.isKnown(thrown, caller?.[passage])) return answered(thrown, gate, caller?.scheme, its)
      const judged = { passage: its, phase: 'check', startedMs: undefined, token: caller?.token, requirement } as const
      return refuse(copied(thrown), gate, caller?.scheme, judged)
    },
  }
}

function answered<Claims>(
  error: AuthError,
  gate: Gate<Claims>,
  scheme: AuthScheme | undefined,
  { headers }: Passage,
): Refused {
  const answer = toAnswer(error, { ...gate.answerContext, scheme })
  const fault = error.status === 500
  return { ok: false, error, answer: { ...answer, headers: { ...headers, ...answer.headers } }, fault }
}

/** What the application throws may be one object for many requests. */
function copied(thrown: unknown): unknown {
  try {
    return isAuthError(thrown) ? copyError(thrown) : thrown
  } catch (unreadable) {
    return unreadable
  }
}
