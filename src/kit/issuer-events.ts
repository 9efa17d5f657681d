/** The events of what is asked of an issuer: keys, metadata, introspection. Part of the one union in events.ts. */
import type { BreakerState } from './client-events.js'
import type { IntrospectionFailureReason, IssuerFailureReason, KeyRefusalCode } from './failure-code.js'

/**
 * Why a key set was fetched: none was held, it was due, `invalidate` was called, or a token named a key or had a signature
 * that none held explains.
 *
 * @group Events
 */
export type KeysTrigger = 'first' | 'due' | 'invalidated' | 'unknown_key'

/** What is told of keys, metadata and introspection. Part of `PortcullisEvent`. @group Events */
export type IssuerEvent =
  /** A key set was fetched. */
  | {
      readonly type: 'keys.refreshed'
      readonly issuer: string
      /** How many there are; how many were not there before; how many are there no more. */
      readonly keys: number
      readonly added: number
      readonly withdrawn: number
      readonly trigger: KeysTrigger
      readonly durationMs: number
      /** How long they are fresh. */
      readonly lifetimeSeconds: number
      /** Where they came from: the host of the address, with its port. */
      readonly host: string
      /** More than 0: the issuer is back. */
      readonly failuresBefore: number
      /** How far its clock is ahead of this one, in whole seconds; `undefined` where its answer does not tell. */
      readonly clockOffsetMs: number | undefined
    }
  /** A key set could not be fetched; `stale` tells whether known keys go on serving. */
  | {
      readonly type: 'keys.failed'
      readonly issuer: string
      readonly reason: IssuerFailureReason
      readonly stale: boolean
      readonly trigger: KeysTrigger
      readonly durationMs: number
      /** When it is tried again, at the earliest. */
      readonly retryInMs: number
    }
  /**
   * A token names a key that is not held: a rotation, another environment, or an attack. `asked`: whether the issuer is
   * asked for it. Those it is not asked for are told once a second; `count` is how many it stands for.
   */
  | { readonly type: 'keys.unknown'; readonly issuer: string; readonly asked: boolean; readonly count: number }
  /** An entry of a key set was passed over. `index`: its place in `keys`, from 0. */
  | {
      readonly type: 'keys.entry_skipped'
      readonly issuer: string
      readonly reason: KeyRefusalCode
      readonly index: number
    }
  /** The metadata of an authorization server was fetched. */
  | { readonly type: 'discovery.refreshed'; readonly issuer: string; readonly durationMs: number }
  /** It could not be; `stale` tells whether what is known goes on serving. */
  | {
      readonly type: 'discovery.failed'
      readonly issuer: string
      readonly reason: IssuerFailureReason
      readonly stale: boolean
      readonly durationMs: number
      readonly retryInMs: number
    }
  /**
   * An introspection endpoint was asked, and told about a token; it may be refused even so, by a claim. What is remembered is
   * not told again.
   */
  | {
      readonly type: 'introspection.answered'
      readonly issuer: string
      readonly active: boolean
      readonly durationMs: number
    }
  /** The introspection endpoint failed or refused our own credentials: an alarm, not a bad token. */
  | {
      readonly type: 'introspection.failed'
      readonly issuer: string
      readonly reason: IntrospectionFailureReason
      readonly durationMs: number
    }
  /** The circuit to an introspection endpoint opened, tries one request, or closed again. */
  | {
      readonly type: 'introspection.breaker'
      readonly issuer: string
      readonly state: BreakerState
    }
