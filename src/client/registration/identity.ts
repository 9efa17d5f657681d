/*
 * Who a client is that registers itself at first use, and keeps its registration in a store of the application.
 */
import { ConfigurationError } from '../../errors/index.js'
import { createSingleFlight } from '../../kit/single-flight.js'
import { inTime } from '../../kit/time-limit.js'
import type { Identity } from '../calls/attempt-configuration.js'
import { type Call, contextOf } from '../calls/run-call.js'
import type { RegistrationOptions } from '../client-options.js'
import type { ClientAuthMethod } from '../credentials/client-credential.js'
import { CredentialError, type OAuthClientError, ResponseError } from '../errors.js'
import { createRedact, redactedCause } from '../redaction.js'
import type { ClientSettings } from '../settings.js'
import {
  credentialOf,
  type RegisteredClient,
  restoreRegistration,
  type StoredRegistration,
} from './registered-client.js'

/** Who a client is that registers itself. */
export interface RegisteredIdentity {
  /** The identity, where it is known by now. */
  current(): Identity | undefined
  /** @throws {@link CredentialError} where the registration can be neither loaded nor saved. */
  get(call: Call): Promise<Identity>
}

/**
 * The identity by registration: from the store, else registered once however many wait. What could not be saved is kept,
 * and saved at the next call: it is not registered twice, and never used without being saved. `registerFor` registers
 * this client on behalf of a call.
 */
export function createRegisteredIdentity(
  { issuer, clock }: ClientSettings,
  registration: RegistrationOptions,
  registerFor: (registration: RegistrationOptions, call: Call) => Promise<RegisteredClient>,
): RegisteredIdentity {
  const { metadata, store, keys } = registration
  const flights = createSingleFlight<Identity>()
  let unsaved: RegisteredClient | undefined
  let known: { readonly identity: Identity; readonly registered: RegisteredClient } | undefined

  function isGood({ clientSecretExpiresAt = 0 }: RegisteredClient): boolean {
    return clientSecretExpiresAt === 0 || clientSecretExpiresAt * 1000 > clock()
  }

  async function load(call: Call): Promise<RegisteredClient | undefined> {
    const stored = await ask(call, 'loaded', () => store.load(issuer))
    if (stored === undefined || stored === null) return undefined
    if (stored.issuer !== issuer) throw new CredentialError('ERR_CREDENTIAL_ISSUER', contextOf(call))
    const registered = orElse(
      () => restoreRegistration(stored),
      (message) => new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', { ...contextOf(call), message }),
    )
    return isGood(registered) ? registered : undefined
  }

  async function registered(call: Call): Promise<RegisteredClient> {
    const loaded = unsaved === undefined ? await load(call) : undefined
    if (loaded !== undefined) return loaded
    const fresh = unsaved ?? (await registerFor(registration, call))
    unsaved = fresh
    const stored: StoredRegistration = { issuer: fresh.issuer, raw: fresh.raw }
    await ask(call, 'saved', () => store.save(stored))
    unsaved = undefined
    return fresh
  }

  async function identify(call: Call): Promise<Identity> {
    const client = await registered(call)
    const method = metadata.token_endpoint_auth_method as ClientAuthMethod | undefined
    const credential = orElse(
      () => credentialOf(client, { keys, method }),
      (message) => new ResponseError('ERR_REGISTRATION_UNUSABLE', { ...contextOf(call), message }),
    )
    const identity = { clientId: client.clientId, credential }
    known = { identity, registered: client }
    return identity
  }

  return {
    current: () => known?.identity,
    async get(call) {
      if (known !== undefined && isGood(known.registered)) return known.identity
      return flights.run('identity', () => identify(call))
    },
  }
}

/** A mistake found while a call is under way is the call's: {@link OAuthClient} rejects only with its own errors. */
function orElse<T>(make: () => T, toError: (message: string) => OAuthClientError): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof ConfigurationError ? toError(error.message) : error
  }
}

async function ask<T>(call: Call, what: 'loaded' | 'saved', work: () => T | Promise<T>): Promise<T> {
  try {
    return await inTime(work)
  } catch (error) {
    throw new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', {
      ...contextOf(call),
      message: `The registration of this client cannot be ${what}`,
      cause: redactedCause(error, createRedact([])),
    })
  }
}
