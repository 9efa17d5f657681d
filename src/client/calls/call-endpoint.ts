import type { Configuration } from 'openid-client'
import type { KeySource } from '../../issuer/key-source.js'
import type { ClientOperation } from '../../kit/client-events.js'
import type { JsonObject } from '../../kit/json.js'
import { type AnyRules, faultOf, fieldValue, integer, type Rules, takes } from '../../kit/options.js'
import type { CallOptions } from '../client-options.js'
import { type CalledEndpoint, type EndpointName, endpointMembers } from '../endpoints.js'
import { ClientCallError, ClientConfigurationError, CredentialError, DiscoveryError } from '../errors.js'
import type { KnownServer, OpenidMember } from '../server.js'
import type { Attempt } from './attempt.js'
import { type Identity, withConfiguration } from './attempt-configuration.js'
import type { Dpop } from './dpop.js'
import { type Call, type CallRunner, contextOf, type RetryRule, repeatAttempts, withinCall } from './run-call.js'

/** What the operations of one client share. */
export interface Runtime extends CallRunner {
  /** `undefined` where the client asks for no bound tokens. */
  readonly dpop: Dpop | undefined
  readonly server: () => Promise<KnownServer>
  /** The same, completed by what only OpenID documents have. */
  readonly openid: (member: OpenidMember) => Promise<KnownServer>
  /** The keys that ID tokens are signed with. */
  readonly keys: KeySource
  /** Whether the `iss` of an answer or an ID token is that of the server; of a token, given its claims. */
  readonly isIssuer: (issuer: unknown, claims?: JsonObject) => boolean
  /** What stands between two scopes in its answers, where that is not a space. */
  readonly scopeSeparator: string | undefined
  /** Who this client is, where it can know; registers it where it was told to. */
  readonly identity: (call: Call) => Identity | undefined | Promise<Identity>
}

/** A request to one endpoint of the server. */
export interface EndpointCall {
  readonly endpoint: CalledEndpoint
  /** Another endpoint that must be known before anything is sent. */
  readonly needs?: EndpointName
  readonly retry: RetryRule
  readonly expectsJson: boolean
}

const isSignal = (value: unknown): boolean =>
  value instanceof Object && 'aborted' in value && 'addEventListener' in value && 'reason' in value

const callRules: Rules<CallOptions> = {
  signal: takes(isSignal, 'an AbortSignal'),
  timeoutMs: integer(1),
  totalTimeoutMs: integer(1),
  correlationId: fieldValue,
}

/**
 * Begins a call: checks its options, `further` ones of the operation included.
 *
 * @throws {@link ClientCallError} `ERR_CLIENT_ARGUMENT`
 */
export function beginCall(
  { settings, closing }: Pick<Runtime, 'settings' | 'closing'>,
  operation: ClientOperation,
  options: CallOptions = {},
  further: AnyRules = {},
): Call {
  const { issuer, monotonicClock } = settings
  const fault = faultOf(`${operation} options`, options, { ...callRules, ...further })
  if (fault !== undefined) throw new ClientCallError('ERR_CLIENT_ARGUMENT', { operation, issuer, message: fault })
  if (closing.aborted)
    throw new ClientCallError('ERR_CLIENT_CLOSED', { operation, issuer, correlationId: options.correlationId })
  return {
    operation,
    issuer,
    correlationId: options.correlationId ?? crypto.randomUUID(),
    signal: options.signal,
    timeoutMs: options.timeoutMs ?? settings.timeoutMs,
    deadlineMs: monotonicClock() + (options.totalTimeoutMs ?? settings.totalTimeoutMs),
  }
}

/** @throws {@link ClientCallError} `ERR_CLIENT_ARGUMENT` for params of another shape. */
export function checkParams(call: Call, params: unknown, rules: AnyRules): void {
  const fault = faultOf(call.operation, params, rules)
  if (fault !== undefined) refuseArgument(call, fault)
}

/** @throws {@link ClientCallError} `ERR_CLIENT_ARGUMENT`, saying what the call takes. */
export function refuseArgument(call: Call, message: string): never {
  throw new ClientCallError('ERR_CLIENT_ARGUMENT', { ...contextOf(call), message })
}

/**
 * Calls an endpoint as this client, within the time of the call: finds out where it is and who the client is, then runs
 * `work` with a configuration per attempt.
 *
 * @throws {@link ClientConfigurationError} `ERR_ENDPOINT_MISSING`, and whatever the call fails with.
 */
export function callEndpoint<T>(
  runtime: Runtime,
  request: EndpointCall,
  call: Call,
  work: (config: Configuration, attempt: Attempt, metadata: JsonObject) => Promise<T>,
): Promise<T> {
  return withinCall(runtime, call, async (signal) => {
    const { metadata } = await (request.endpoint === 'userinfo'
      ? runtime.openid('userinfo_endpoint')
      : runtime.server())
    const endpoint = endpointIn(metadata, call, request.endpoint)
    if (request.needs !== undefined) endpointIn(metadata, call, request.needs)
    const identity = await identityOf(runtime, call)
    const destination = { identity, metadata, endpoint }
    return repeatAttempts(runtime, { ...request, circuit: request.endpoint }, call, signal, (attempt) =>
      withConfiguration(runtime, destination, attempt, (config) => work(config, attempt, metadata)),
    )
  })
}

/**
 * Who this client is.
 *
 * @throws {@link CredentialError} `ERR_CREDENTIAL_ISSUER` for a client without credential.
 */
export async function identityOf(runtime: Runtime, call: Call): Promise<Identity> {
  const identity = await runtime.identity(call)
  if (identity !== undefined) return identity
  const message = 'This client has no `credential`: it can discover and register, and nothing else.'
  throw new CredentialError('ERR_CREDENTIAL_ISSUER', { ...contextOf(call), message })
}

/**
 * Where an endpoint is.
 *
 * @throws {@link ClientConfigurationError} `ERR_ENDPOINT_MISSING` where the server has none.
 * @throws {@link DiscoveryError} where its metadata says something else than a URL.
 */
export function endpointIn(metadata: JsonObject, call: Call, name: EndpointName): string {
  const member = endpointMembers[name]
  const endpoint = metadata[member] ?? undefined
  if (endpoint === undefined) throw new ClientConfigurationError('ERR_ENDPOINT_MISSING', contextOf(call))
  if (typeof endpoint === 'string' && URL.canParse(endpoint)) return endpoint
  const message = `\`${member}\` in the metadata of the authorization server is no URL`
  throw new DiscoveryError('ERR_DISCOVERY_INVALID', { ...contextOf(call), message })
}
