import { describe, expect, it } from 'vitest'
import { emit, type PortcullisEvent } from '../../../src/kit/events.js'

const event: PortcullisEvent = { type: 'dpop.replayed', resource: 'https://api.example.com' }

describe('emit', () => {
  it('hands the event to the listener at once', () => {
    const seen: PortcullisEvent[] = []
    emit((received) => seen.push(received), event)
    expect(seen).toEqual([event])
  })

  it('swallows what a faulty listener throws', () => {
    let called = 0
    const faulty = () => {
      called++
      throw new Error('listener')
    }
    expect(() => emit(faulty, event)).not.toThrow()
    expect(called).toBe(1)
  })

  it('swallows what an asynchronous listener rejects with, and does not wait for it', async () => {
    let called = 0
    const late = async () => {
      called++
      throw new Error('late')
    }
    expect(emit(late, event)).toBeUndefined()
    expect(called).toBe(1)
    await new Promise((resolve) => setImmediate(resolve)) // an unhandled rejection would fail the run
  })

  it('does nothing without a listener', () => {
    expect(() => emit(undefined, event)).not.toThrow()
  })
})
