import { createFrozenClock } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

describe('createFrozenClock', () => {
  it('stands still until moved', () => {
    const clock = createFrozenClock()
    expect(clock.now()).toBe(Date.parse('2026-01-01T00:00:00Z'))
    expect(clock.now()).toBe(clock.now())
  })

  it('moves by and to where it is told', () => {
    const clock = createFrozenClock(1000)
    clock.advance(500)
    expect(clock.now()).toBe(1500)
    clock.advance(-700)
    expect(clock.now()).toBe(800)
    clock.set(42)
    expect(clock.now()).toBe(42)
  })
})
