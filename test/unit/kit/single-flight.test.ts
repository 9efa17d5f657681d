import { describe, expect, it, vi } from 'vitest'
import { createSingleFlight } from '../../../src/kit/single-flight.js'

describe('a single flight', () => {
  it('[JWKS-02] is shared by all who come while it lasts, by key', async () => {
    const flights = createSingleFlight<string>()
    const work = vi.fn(async () => 'done')
    const other = vi.fn(async () => 'other')
    const results = Promise.all([flights.run('a', work), flights.run('a', work), flights.run('b', other)])
    expect(flights.current('a')).toBeInstanceOf(Promise)
    expect(await results).toEqual(['done', 'done', 'other'])
    expect(work).toHaveBeenCalledOnce()
    expect(flights.current('a')).toBeUndefined()
    await flights.run('a', work)
    expect(work).toHaveBeenCalledTimes(2)
  })

  it('forgets a failure, also one that is thrown at once', async () => {
    const flights = createSingleFlight<string>()
    const fail = (): Promise<string> => {
      throw new Error('at once')
    }
    await expect(flights.run('a', fail)).rejects.toThrow('at once')
    expect(flights.current('a')).toBeUndefined()
    expect(await flights.run('a', async () => 'done')).toBe('done')
  })
})
