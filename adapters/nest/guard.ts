import { type CanActivate, type ExecutionContext, HttpException, Inject } from '@nestjs/common'
import { addGrants, ConfigurationError, isPreflight, keepAccess } from '../../src/adapter.js'
import type { Auth, OptionalAuthResult } from '../../src/index.js'
import { authOf, callFacts, httpOf, isGone, setCaller, setFields } from './caller.js'
import { type Gate, type Gates, gatesToken } from './gates.js'
import { MODULE_OPTIONS_TOKEN, type PortcullisModuleOptions } from './module-options.js'
import { PreflightException, refusalOf } from './refusal-exception.js'

/** Contexts that a guard of ours has judged: NestJS makes one for each call, and shows it to every guard of the call. */
const judged = new WeakSet<ExecutionContext>()

/** Callers let through on a connection, by what stands for it. */
const connected = new WeakMap<object, Auth | undefined>()

/**
 * The guard of the whole application, and of every class and method with a decorator. Every handler that is not
 * `@Public()` demands a token; a call whose credentials cannot be found is not let through.
 */
export class PortcullisGuard implements CanActivate {
  readonly #gates: Gates
  readonly #facts: PortcullisModuleOptions['facts']

  constructor(gates: Gates, { facts }: PortcullisModuleOptions) {
    this.#gates = gates
    this.#facts = facts
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (judged.has(context)) return true
    judged.add(context)
    const earlier = authOf(context)
    setCaller(context, undefined)
    const gate = this.#gates(context.getClass(), context.getHandler())
    if (gate === undefined) return true
    const { response } = httpOf(context)
    const result = await this.#judge(context, gate)
    if (response !== undefined && isGone(response)) throw new HttpException('The client closed the request', 499)
    if (!result.ok) throw await refusalOf(context, result, response)
    if (response !== undefined) setFields(response, result.headers)
    setCaller(context, keepAccess(result.auth, earlier))
    return true
  }

  async #judge(context: ExecutionContext, gate: Gate): Promise<OptionalAuthResult> {
    const isHttp = context.getType() === 'http'
    const facts = (isHttp ? undefined : this.#facts?.(context)) ?? callFacts(context)
    if (facts === undefined) throw unjudged(context.getType())
    if (isHttp && isPreflight(facts)) throw new PreflightException()
    const connection = facts.request ?? facts
    const identified = await gate.identify(facts, isHttp ? undefined : connected.get(connection))
    if (!isHttp && identified.ok) connected.set(connection, identified.auth)
    return gate.acquire === undefined ? identified : addGrants(identified, gate.acquire)
  }
}

Inject(gatesToken)(PortcullisGuard, undefined, 0)
Inject(MODULE_OPTIONS_TOKEN)(PortcullisGuard, undefined, 1)

function unjudged(type: string): Error {
  return new ConfigurationError(
    `The credentials of this '${type}' call cannot be found: give PortcullisModule \`facts\`, which finds them.`,
  )
}
