import { describe, expect, it } from 'vitest'
import { createShortMemory } from '../../../src/kit/short-memory.js'

describe('createShortMemory', () => {
  it('[E3] remembers a bounded number of values', () => {
    const memory = createShortMemory<number>(1000, 5000, () => 0)
    for (let index = 0; index <= 1000; index += 1) memory.set(`caller-${index}`, index)
    expect(memory.get('caller-1000')).toBe(1000)
    expect(memory.get('caller-0')).toBeUndefined()
  })

  it('[E3] forgets a value when its time is over', () => {
    let nowMs = 0
    const memory = createShortMemory<number>(10, 5000, () => nowMs)
    memory.set('a', 1)
    nowMs = 4999
    expect(memory.get('a')).toBe(1)
    nowMs = 5000
    expect(memory.get('a')).toBeUndefined()
  })
})
