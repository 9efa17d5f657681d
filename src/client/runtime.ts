import type { Configuration } from 'openid-client'
import { createConfiguration } from './configuration.js'
import type { Dpop } from './dpop.js'
import { type EndpointName, endpointMembers } from './endpoints.js'
import { ClientConfigurationError } from './errors.js'
import type { ClientOperation } from './events.js'
import type { CallOptions } from './options.js'
import type { RetryRule } from './retry-rule.js'
import type { CallAttempt, RunCall } from './run-call.js'
import type { KnownServer } from './server.js'
import type { ClientSettings } from './settings.js'
import { untilAborted } from './until-aborted.js'

/** What the operations of one client share. */
export interface Runtime {
  readonly settings: ClientSettings
  readonly dpop: Dpop
  readonly runCall: RunCall
  readonly server: () => Promise<KnownServer>
}

/** A call to one endpoint of the server. */
export interface EndpointCall {
  readonly operation: ClientOperation
  readonly endpoint: EndpointName
  readonly retry: RetryRule
  readonly expectsJson: boolean
}

/**
 * Calls an endpoint: finds it first, then runs `work` with a configuration per attempt.
 *
 * @throws {@link ClientConfigurationError} `ERR_ENDPOINT_MISSING`, and whatever the call fails with.
 */
export async function callEndpoint<T>(
  runtime: Runtime,
  call: EndpointCall,
  options: CallOptions | undefined,
  work: (config: Configuration, attempt: CallAttempt) => Promise<T>,
): Promise<T> {
  const { settings } = runtime
  const context = { operation: call.operation, issuer: settings.issuer, correlationId: options?.correlationId }
  const { metadata } = await untilAborted(runtime.server, options?.signal, context)
  const endpoint = metadata[endpointMembers[call.endpoint]]
  if (endpoint === undefined) throw new ClientConfigurationError('ERR_ENDPOINT_MISSING', context)
  return runtime.runCall({ ...call, circuit: call.endpoint }, options, (attempt) =>
    work(createConfiguration(settings, metadata, attempt, endpoint), attempt),
  )
}

/** @throws {@link ClientConfigurationError} `ERR_CLIENT_ARGUMENT`, saying what the call takes. */
export function refuseArgument(operation: ClientOperation, message: string): never {
  throw new ClientConfigurationError('ERR_CLIENT_ARGUMENT', { operation, message })
}
