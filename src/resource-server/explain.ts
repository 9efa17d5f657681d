/** Why a request or a token is refused: the steps of the gate, each with what was compared. Does NOT use a proof up. */
import { type Auth, type AuthScheme, Passage } from '../auth/auth.js'
import { type AuthError, type AuthErrorCode, InternalError, InvalidRequestError, isAuthError } from '../errors/index.js'
import { type Report, type StepFinding, writeReport } from '../explain/report.js'
import { refusalSentence } from '../explain/sentences.js'
import type { RequestFacts } from '../http/request-facts.js'
import { isJsonObject } from '../kit/json.js'
import { sightOf } from './auth-events.js'
import { compileGate, type Gate } from './compile-gate.js'
import type { Gates } from './gate.js'
import { describeSteps, type GateStep, isOfGate, orderOfSteps, type Rehearsal, stepOf } from './gate-steps.js'
import type { Requirement } from './policy/requirement.js'
import type { ResourceServerSettings } from './resource-server-options.js'
import type { Seen } from './seen.js'
import { type Credentials, readCredentials } from './token/read-credentials.js'
import type { IssuerRegistry } from './token/token-verifier.js'

/**
 * What becomes of a request, step by step. Holds no token, proof or secret.
 *
 * @group Explain
 */
export interface Explanation extends Report<GateStep> {
  /** Of the refusal; `undefined` for a caller that is let through. */
  readonly code: AuthErrorCode | undefined
  /** Of the answer a guard would give; `undefined` for a caller that is let through. */
  readonly status: number | undefined
  /** The protected resource the request was held against. */
  readonly resource: string
}

/** What a request is explained by: the parts of one server. */
interface ExplainSettings<Claims> extends ExplainedServer {
  readonly gates: Pick<Gates<Claims>, 'admit'>
}

interface ExplainedServer {
  readonly options: ResourceServerSettings
  readonly issuers: IssuerRegistry
}

/**
 * Explains what a guard would make of a request.
 *
 * @throws {@link ConfigurationError} for a requirement that cannot be right.
 */
export function explainRequest<Claims>(
  settings: ExplainSettings<Claims>,
  facts: RequestFacts,
  requirement: Requirement<Claims>,
): Promise<Explanation> {
  return rehearse(settings, requirement, facts, (gate) => {
    const read = readCredentials(facts, gate.resource, gate.modes.dpop !== 'off')
    return { ...read, credentials: { expected: gate.resource.bearerMethods, received: wayOf(read) } }
  })
}

/**
 * Explains what `server.verify` would make of a token.
 *
 * @throws {@link ConfigurationError} for a requirement that cannot be right.
 */
export function explainToken<Claims>(
  settings: ExplainSettings<Claims>,
  token: string,
  requirement: Requirement<Claims>,
): Promise<Explanation> {
  return rehearse(settings, requirement, undefined, () => {
    if (typeof token === 'string') return { scheme: 'Bearer', token, credentials: {} }
    return { scheme: 'Bearer', error: new InvalidRequestError('ERR_REQUEST_MALFORMED'), credentials: {} }
  })
}

/**
 * Explains what a guard made of a request, from what it made of it: no step is taken again. What came up after the guard has
 * no steps.
 */
export function explainJudged(server: ExplainedServer, { judged, resource, scheme, error }: Seen): Explanation {
  const { token, facts, requirement } = judged
  if (error !== undefined && token !== undefined && !isOfGate(error)) {
    const sentence = refusalSentence({ error })
    const { code, status } = error
    return { ok: false, failed: undefined, sentence, steps: [], code, status, resource }
  }
  const gate = compileGate(server.options, requirement)
  const credentials = { expected: gate.resource.bearerMethods, received: cameBy(scheme, token) }
  const called = error && calledLast(error, requirement)
  return write(server, gate, requirement, { scheme, token, credentials, called }, error, facts)
}

function cameBy(scheme: AuthScheme | undefined, token: string | undefined): string {
  return token === undefined ? 'no usable token' : `${scheme}`
}

/** By what only that function can have thrown; where it threw an error of ours, it is taken for that of the step. */
function calledLast<Claims>(
  { callback, code, expected }: AuthError,
  { allow, claims }: Requirement<Claims>,
): Rehearsal['called'] {
  if (callback === 'allow') return 'allow'
  if (callback === 'claims') return typeof claims === 'function' ? 'claim_rules' : undefined
  const isAnswer = code === 'ERR_CLAIM_REQUIREMENT' && expected === undefined
  return isAnswer && allow !== undefined && typeof claims !== 'function' ? 'allow' : undefined
}

type Read = (Credentials | { readonly scheme: AuthScheme; readonly token: string; readonly error?: never }) & {
  readonly credentials: StepFinding
}

async function rehearse<Claims>(
  settings: ExplainSettings<Claims>,
  requirement: Requirement<Claims>,
  facts: RequestFacts | undefined,
  read: (gate: Gate<Claims>) => Read,
): Promise<Explanation> {
  const rehearsal: Rehearsal = { scheme: undefined, token: undefined, credentials: {}, called: undefined }
  const gate = compileGate(settings.options, watched(requirement, rehearsal))
  try {
    const { scheme, token, error, credentials } = read(gate)
    Object.assign(rehearsal, { scheme, token, credentials })
    if (error !== undefined) throw error
    const passage = new Passage()
    const auth = await settings.gates.admit({ gate, scheme, token, facts, passage, isRehearsal: true })
    return write(settings, gate, requirement, rehearsal, auth, facts)
  } catch (thrown) {
    const error = isAuthError(thrown) ? thrown : new InternalError(thrown)
    return write(settings, gate, requirement, rehearsal, error, facts)
  }
}

/** The same requirement; tells which of its functions was called last. */
function watched<Claims>(requirement: Requirement<Claims>, rehearsal: Rehearsal): Requirement<Claims> {
  if (!isJsonObject(requirement)) return requirement
  const { allow, claims }: Requirement<Claims> = requirement
  const watch =
    <A, R>(step: 'claim_rules' | 'allow', call: (argument: A) => R) =>
    (argument: A) => {
      rehearsal.called = step
      return call(argument)
    }
  return {
    ...requirement,
    ...(typeof allow === 'function' && { allow: watch('allow', allow as NonNullable<typeof allow>) }),
    ...(typeof claims === 'function' && { claims: watch('claim_rules', claims as (claims: Claims) => boolean) }),
  }
}

function wayOf(read: Credentials): string {
  return read.error === undefined ? `${read.scheme} by ${read.method}` : 'no usable token'
}

function write<Claims>(
  settings: ExplainedServer,
  gate: Gate<Claims>,
  requirement: Requirement<Claims>,
  rehearsal: Rehearsal,
  outcome: Auth<Claims> | AuthError | undefined,
  facts: RequestFacts | undefined,
): Explanation {
  const { isIntrospected, findings } = describeSteps(settings, gate, requirement, rehearsal)
  const { resource } = gate.resource
  const steps = orderOfSteps(isIntrospected)
  if (!isAuthError(outcome)) {
    return Object.freeze({ ...writeReport(steps, findings), code: undefined, status: undefined, resource })
  }
  const { code, status, expected, received } = outcome
  const step = stepOf(outcome, rehearsal, isIntrospected)
  const failed: StepFinding = {
    outcome: 'failed',
    expected: expected ?? findings[step]?.expected,
    received: received ?? findings[step]?.received,
    sentence: refusalSentence({ error: outcome, ...sightOf(rehearsal.token, facts) }),
  }
  return Object.freeze({ ...writeReport(steps, { ...findings, [step]: failed }), code, status, resource })
}
