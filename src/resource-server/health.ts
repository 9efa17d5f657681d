/** The state of a server, from what it knows. Does NOT go over the network, nor ask a store. */
import type { KeySourceHealth } from '../issuer/key-source.js'
import type { StoreHealth, StoreWatch } from '../stores/store-watch.js'
import type { IntrospectionHealth } from './token/introspection-gate.js'
import { needsKeys } from './token/issuers.js'
import type { Issuer, IssuerRegistry } from './token/token-verifier.js'

/**
 * `degraded`: something failed last, and requests are served all the same, or fail only in part. `unavailable`: tokens of a
 * listed issuer cannot be judged, since its keys are not there.
 *
 * @group Resource server
 */
export type HealthStatus = 'ok' | 'degraded' | 'unavailable'

/** The state of one issuer. @group Resource server */
export interface IssuerHealth extends KeySourceHealth {
  /** `undefined` where its tokens are not introspected. */
  readonly introspection: IntrospectionHealth | undefined
}

/** The state of a server. Names issuers; holds no secret. @group Resource server */
export interface ResourceServerHealth {
  readonly status: HealthStatus
  /**
   * Whether the keys of every listed issuer that needs any can serve right now. Neither an open circuit nor a failing store
   * makes it false: all instances share those, and taking one out of service would mend nothing. Nor does a tenant of an
   * `issuer` function, which would take the others with it.
   */
  readonly ready: boolean
  /** By issuer; of a server with an `issuer` function those seen so far. */
  readonly issuers: Readonly<Record<string, IssuerHealth>>
  readonly stores: { readonly replay: StoreHealth; readonly revocation: StoreHealth }
}

/** What is watched of a server. */
export interface HealthSources {
  readonly issuers: IssuerRegistry
  readonly replay: StoreWatch
  readonly revocation: StoreWatch
}

/** Reads the state of a server. */
export function serverHealth({ issuers, replay, revocation }: HealthSources): ResourceServerHealth {
  const known = issuers.known().map((one) => ({ one, health: issuerHealth(one) }))
  const stores = { replay: replay.health(), revocation: revocation.health() }
  const ready = issuers.mayChange || known.every(({ one, health }) => !needsKeys(one) || canServe(health))
  const isWhole = known.every(({ one, health }) => isWell(one, health))
  const isOk = isWhole && stores.replay.failures + stores.revocation.failures === 0
  return {
    status: ready ? (isOk ? 'ok' : 'degraded') : 'unavailable',
    ready,
    issuers: Object.fromEntries(known.map(({ one, health }) => [one.issuer, health])),
    stores,
  }
}

function issuerHealth({ keys, introspector }: Issuer): IssuerHealth {
  return { ...keys.health(), introspection: introspector?.health() }
}

function isWell(issuer: Issuer, { state, introspection }: IssuerHealth): boolean {
  const hasKeys = !needsKeys(issuer) || state === 'fresh' || state === 'due'
  return hasKeys && (introspection === undefined || introspection.circuit === 'closed')
}

function canServe({ state }: KeySourceHealth): boolean {
  return state === 'fresh' || state === 'due' || state === 'stale'
}
