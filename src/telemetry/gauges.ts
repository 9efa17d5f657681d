/** Gauges, read when they are collected: a request pays nothing for them. */
import type { Meter, Observable, ObservableResult } from '@opentelemetry/api'
import type { BreakerState } from '../kit/client-events.js'
import type { KeySetReading, ReadKeySets } from '../kit/event-sink.js'

/** What gauges are read from. Built by {@link createGauges}. */
export interface Gauges {
  /** Makes the instruments, once. */
  make(meter: Meter): void
  /** Reads key sets at each collection, for as long as somebody else holds `read`. */
  watch(read: ReadKeySets): void
  /** Where a circuit stands from now on. */
  circuit(issuer: string, name: string, state: BreakerState): void
}

const keySetStates: readonly KeySetReading['state'][] = ['empty', 'fresh', 'due', 'stale', 'expired']
const circuitStates: readonly BreakerState[] = ['closed', 'open', 'half-open']
const maxCircuits = 200

/** Makes the gauges. `issuers` bounds how many of them are told apart. */
export function createGauges(issuers: (issuer: string) => string): Gauges {
  const readers = new Set<WeakRef<ReadKeySets>>()
  const circuits = new Map<string, { readonly issuer: string; readonly name: string; readonly state: BreakerState }>()
  let isMade = false

  function keySets(): readonly KeySetReading[] {
    return [...readers].flatMap((reader) => {
      const read = reader.deref()
      if (read === undefined) readers.delete(reader)
      return read?.() ?? []
    })
  }

  function seconds(value: (reading: KeySetReading) => number | undefined) {
    return (result: ObservableResult): void => {
      for (const reading of keySets()) {
        const ms = value(reading)
        if (ms !== undefined) result.observe(ms / 1000, { 'portcullis.issuer': issuers(reading.issuer) })
      }
    }
  }

  function keySetStatus(result: ObservableResult): void {
    for (const { issuer, state } of keySets()) {
      for (const one of keySetStates) {
        const attributes = { 'portcullis.issuer': issuers(issuer), 'portcullis.state': one }
        result.observe(one === state ? 1 : 0, attributes)
      }
    }
  }

  function circuitStatus(result: ObservableResult): void {
    for (const { issuer, name, state } of circuits.values()) {
      for (const one of circuitStates) {
        const attributes = { 'portcullis.circuit': name, 'portcullis.state': one }
        result.observe(one === state ? 1 : 0, { 'portcullis.issuer': issuers(issuer), ...attributes })
      }
    }
  }

  return {
    make(meter) {
      if (isMade) return
      isMade = true
      const gauge = (name: string, unit?: string): Observable =>
        meter.createObservableGauge(name, { ...(unit && { unit }) })
      gauge('portcullis.key_set.age', 's').addCallback(seconds(({ ageMs }) => ageMs))
      gauge('portcullis.issuer.clock_offset', 's').addCallback(seconds(({ clockOffsetMs }) => clockOffsetMs))
      gauge('portcullis.key_set.status').addCallback(keySetStatus)
      gauge('portcullis.circuit.status').addCallback(circuitStatus)
    },
    watch: (read) => void readers.add(new WeakRef(read)),
    circuit(issuer, name, state) {
      const key = `${name} ${issuer}`
      if (circuits.has(key) || circuits.size < maxCircuits) circuits.set(key, { issuer, name, state })
    },
  }
}
