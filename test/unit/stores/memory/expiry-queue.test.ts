import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createExpiryQueue } from '../../../../src/stores/memory/expiry-queue.js'

function drained(queue: ReturnType<typeof createExpiryQueue>, nowMs: number, limit = 100): string[] {
  const keys: string[] = []
  queue.drain(nowMs, limit, (key) => keys.push(key))
  return keys
}

describe('createExpiryQueue', () => {
  it('[C-10] has one bucket for all keys of a second, wherever in the queue that is', () => {
    const queue = createExpiryQueue()
    const added = vi.spyOn(Array.prototype, 'splice')
    onTestFinished(() => added.mockRestore())
    for (const seconds of [10, 30, 20, 10, 20, 30, 10]) queue.add(`at ${seconds}`, seconds * 1000)
    expect(added).toHaveBeenCalledTimes(3)
  })

  it('[C-10] hands out what ran out, in order, whatever the order of adding', () => {
    const queue = createExpiryQueue()
    for (const seconds of [30, 10, 50, 20, 40]) queue.add(`at ${seconds}`, seconds * 1000)
    expect(drained(queue, 9_999)).toEqual([])
    expect(drained(queue, 30_000)).toEqual(['at 10', 'at 20', 'at 30'])
    expect(drained(queue, 1_000_000)).toEqual(['at 40', 'at 50'])
    expect(drained(queue, 1_000_000)).toEqual([])
  })

  it('[C-10] never hands out a key before its time, at most a second after it', () => {
    const queue = createExpiryQueue()
    queue.add('key', 10_001)
    expect(drained(queue, 10_001)).toEqual([])
    expect(drained(queue, 10_999)).toEqual([])
    expect(drained(queue, 11_000)).toEqual(['key'])
  })

  it('[C-10] stops at the limit and goes on from there', () => {
    const queue = createExpiryQueue()
    for (let index = 0; index < 10; index++) queue.add(`key ${index}`, 1000)
    expect(drained(queue, 1000, 4)).toHaveLength(4)
    expect(drained(queue, 1000, 4)).toHaveLength(4)
    expect(drained(queue, 1000, 4)).toHaveLength(2)
  })

  it('[C-10] takes keys back while draining', () => {
    const queue = createExpiryQueue()
    queue.add('renewed', 1000)
    queue.drain(1000, 8, (key) => queue.add(key, 5000))
    expect(drained(queue, 4000)).toEqual([])
    expect(drained(queue, 5000)).toEqual(['renewed'])
  })
})
