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

  it('does nothing without a listener', () => {
    expect(() => emit(undefined, event)).not.toThrow()
  })
})
