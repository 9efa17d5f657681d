import { joinAccess } from '../auth/access-context.js'
import { Auth } from '../auth/auth.js'
import { type AuthError, ConfigurationError, isAuthError, MissingTokenError } from '../errors/index.js'
import { type HttpAnswer, preflightAnswer } from '../http/http-answer.js'
import type { RequestFacts } from '../http/request-facts.js'
import { isJsonObject } from '../kit/json.js'
import type { MaybePromise } from '../kit/maybe-promise.js'
import { anything, type Rules, text } from '../kit/options.js'
import type { AuthResult, OptionalAuthResult, OptionalGuard } from '../resource-server/auth-result.js'
import type { Requirement } from '../resource-server/policy/requirement.js'
import type { ResourceServer } from '../resource-server/resource-server.js'
import type { Grant } from './grant.js'
import type { Grants } from './grants.js'
import { createHealthAnswer, type HealthOptions } from './health-answer.js'

/** What the options of every adapter have in common. @group Adapters */
export interface AdapterOptions {
  /** The grant engine; needed where a route declares grants. */
  readonly grants?: Grants | undefined
  /** The resource of requirements that name none. Needed when the server guards several. */
  readonly resource?: string | undefined
}

/** For `checkOptions`: the rules of {@link AdapterOptions}. @group Adapters */
export const adapterRules: Rules<AdapterOptions> = { grants: anything, resource: text }

/** A CORS preflight: 204, and no handler runs. It is not a refusal, and has no error. @group Adapters */
export interface Preflight {
  readonly ok: false
  readonly error: undefined
  readonly fault: false
  readonly answer: HttpAnswer
}

/**
 * What an adapter does with a request: put `auth` in its place, set `headers` and go on; or hand `error` to the error
 * channel of the framework where `fault` is true; or send `answer`.
 *
 * @group Adapters
 */
export type Judged<Claims> = OptionalAuthResult<Claims> | Preflight

/**
 * Judges a request. `earlier` is what stood in the place of `auth` before, whoever put it there. Gives no promise where
 * nothing has to wait. Never throws, and never rejects.
 *
 * @group Adapters
 */
export type Judge<Claims> = (facts: RequestFacts, earlier?: unknown) => MaybePromise<Judged<Claims>>

/** What guards of every framework are made of. @group Adapters */
export interface AdapterGate<Claims> {
  /**
   * Asks for a good token, then acquires the grants declared with it.
   *
   * @throws `ConfigurationError` for a requirement or a grant that cannot be right, at once.
   */
  requireToken(requirement?: Requirement<Claims>, declared?: readonly Grant[]): Judge<Claims>
  /** As {@link AdapterGate.requireToken}; a request without credentials passes, `auth` undefined, unless it declares grants. */
  optionalToken(requirement?: Requirement<Claims>, declared?: readonly Grant[]): Judge<Claims>
  /** Acquires grants for the caller that an earlier guard let through. @throws as {@link createGrantGuard} does. */
  grant(...declared: Grant[]): Judge<Claims>
  /**
   * Holds a caller that a guard let through against more, then acquires grants: for a tool, or a decorated method. The
   * function rejects with the {@link AuthError}.
   */
  demand(
    requirement: Requirement<Claims> | undefined,
    declared?: readonly Grant[],
  ): (auth: Auth<Claims> | undefined) => Promise<Auth<Claims>>
  /**
   * The answer to an {@link AuthError} that a handler threw. `undefined` for any other error and for a fault of the
   * application: those belong to the framework.
   */
  refusal(thrown: unknown, auth: unknown): HttpAnswer | undefined
  /**
   * Makes the function that answers a platform's probe. @throws `ConfigurationError` for a wrong option, at once.
   */
  health(options?: HealthOptions): () => HttpAnswer
}

/**
 * Whether a request is a CORS preflight (Fetch §3.3.2), which carries no credentials by design. Adapters answer it with
 * {@link preflightAnswer}, unless a CORS layer before them has its own answer.
 *
 * @group Requests
 */
export function isPreflight(request: RequestFacts): boolean {
  return request.method === 'OPTIONS' && request.headerValues('access-control-request-method').length > 0
}

const preflight: Preflight = Object.freeze({ ok: false, error: undefined, fault: false, answer: preflightAnswer })
const strangeAuth = 'Grants stand behind `requireToken`: the `auth` of this request is of another library.'

/**
 * Makes what the guards of one framework have in common: the default resource, preflights, grants behind a guard. Sends
 * nothing and touches no request: that is the adapter's part.
 *
 * @group Adapters
 */
export function createAdapterGate<Claims>(
  server: ResourceServer<Claims>,
  { resource, grants }: AdapterOptions = {},
): AdapterGate<Claims> {
  const withDefaults = (requirement: Requirement<Claims> = {}): Requirement<Claims> =>
    isJsonObject(requirement) ? { resource, ...requirement } : requirement
  const acquirerOf = (declared: readonly Grant[]) =>
    declared.length === 0 ? undefined : createGrantGuard(server, grants, declared)

  function judgeBy(guard: OptionalGuard<Claims>, declared: readonly Grant[]): Judge<Claims> {
    const acquire = acquirerOf(declared)
    if (acquire === undefined) return (facts) => (isPreflight(facts) ? preflight : guard(facts))
    return (facts) => (isPreflight(facts) ? preflight : addGrants(guard(facts), acquire))
  }

  return {
    requireToken: (requirement, declared = []) => judgeBy(server.guard(withDefaults(requirement)), declared),
    optionalToken: (requirement, declared = []) => judgeBy(server.optionalGuard(withDefaults(requirement)), declared),
    grant(...declared) {
      const acquire = createGrantGuard(server, grants, declared)
      return (facts, earlier) => (isPreflight(facts) ? preflight : acquire(earlier as Auth<Claims> | undefined))
    },
    demand(requirement, declared = []) {
      const whole = requirement && withDefaults(requirement)
      if (whole !== undefined) server.guard(whole)
      const acquire = acquirerOf(declared)
      return async (auth) => {
        if (auth === undefined) throw new MissingTokenError()
        if (whole !== undefined) await server.checkAsync(auth, whole)
        if (acquire === undefined) return auth
        const acquired = await acquire(auth)
        if (!acquired.ok) throw acquired.error
        return acquired.auth
      }
    },
    refusal(thrown, auth) {
      if (!isAuthError(thrown)) return undefined
      const { fault, answer } = server.refuse(thrown, auth instanceof Auth ? auth : undefined)
      return fault ? undefined : answer
    },
    health: (options) => createHealthAnswer(server, grants, options),
  }
}

/** Makes the caller of a guard one with `auth.access`, or the answer to send. The fields of the guard's answer stay. @group Adapters */
export async function addGrants<Claims>(
  judged: MaybePromise<OptionalAuthResult<Claims>>,
  acquire: GrantGuard<Claims>,
): Promise<OptionalAuthResult<Claims>> {
  const result = await judged
  if (!result.ok) return result
  const acquired = await acquire(result.auth)
  return acquired.ok ? { ...acquired, headers: result.headers } : acquired
}

/** Acquires the grants of a route for a caller. Never rejects. @group Adapters */
export type GrantGuard<Claims> = (auth: Auth<Claims> | undefined) => Promise<AuthResult<Claims>>

/**
 * Makes the step that acquires a route's grants for a caller: what comes back is the caller with `auth.access`, or the
 * answer to send. Grants of an earlier step stay. An anonymous caller is asked for a token.
 *
 * @throws `ConfigurationError` without a grant engine, or without a grant, or for one that cannot be right, at once.
 * @group Adapters
 */
export function createGrantGuard<Claims>(
  server: ResourceServer<Claims>,
  grants: Grants | undefined,
  declared: readonly Grant[],
): GrantGuard<Claims> {
  if (grants === undefined) {
    throw new ConfigurationError(
      '`grant` needs the grant engine: give the adapter `{ grants: createGrants({ client }) }`.',
    )
  }
  if (typeof grants?.prepare !== 'function') {
    throw new ConfigurationError('`grants` takes what `createGrants({ client })` makes.')
  }
  if (declared.length === 0) throw new ConfigurationError('`grant` needs at least one resource.')
  const acquire = grants.prepare(declared)
  return async (auth) => {
    if (auth === undefined) return server.refuse(new MissingTokenError())
    if (!(auth instanceof Auth)) return server.refuse(new ConfigurationError(strangeAuth))
    const { access, failure } = await acquire(auth)
    if (failure !== undefined) return server.refuse(failure, auth)
    return { ok: true, auth: auth.withAccess(joinAccess(auth.access, access)), headers: {} }
  }
}

/** Answers a request for a metadata document, and calls `next` for any other and where that fails. @group Adapters */
export function answerMetadata(
  server: Pick<ResourceServer, 'metadata'>,
  facts: RequestFacts,
  send: (answer: HttpAnswer) => void,
  next: (error?: unknown) => void,
): void {
  const answer = server.metadata(facts)
  if (answer === undefined) next()
  else Promise.resolve(answer).then((ready) => (ready === undefined ? next() : send(ready)), next)
}

/**
 * Refuses a function of a gate that was mounted in place of what it gives: a framework then calls it with a request, which
 * would hang without an answer.
 *
 * @param given - the arguments it was called with.
 * @throws `ConfigurationError`
 * @group Adapters
 */
export function refuseUncalled(name: string, given: readonly unknown[]): void {
  if (given.length === 0) return
  throw new ConfigurationError(`\`${name}\` was mounted without being called. Write \`app.use(gate.${name}())\`.`)
}
