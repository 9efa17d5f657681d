import { describe, expect, it, vi } from 'vitest'
import { withDeadline } from '../../../src/kit/deadline.js'

describe('withDeadline', () => {
  it('gives what the work gives, and leaves no timer behind', async () => {
    vi.useFakeTimers()
    try {
      expect(await withDeadline(1000, async () => 'done')).toBe('done')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('[JWKS-02] rejects when time is up and aborts the work, also work that ignores the signal', async () => {
    vi.useFakeTimers()
    try {
      let signal: AbortSignal | undefined
      const result = withDeadline(1000, (given) => {
        signal = given
        return new Promise<never>(() => {})
      })
      const refused = expect(result).rejects.toMatchObject({ name: 'FetchFailure', reason: 'timeout' })
      await vi.advanceTimersByTimeAsync(999)
      expect(signal?.aborted).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      await refused
      expect(signal?.aborted).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })

  it('works where timers are numbers, as in browsers and on Workers', async () => {
    const setTimer = vi.spyOn(globalThis, 'setTimeout').mockReturnValue(7 as never)
    const clearTimer = vi.spyOn(globalThis, 'clearTimeout').mockReturnValue(undefined)
    try {
      expect(await withDeadline(1000, async () => 'done')).toBe('done')
      expect(clearTimer).toHaveBeenCalledWith(7)
    } finally {
      setTimer.mockRestore()
      clearTimer.mockRestore()
    }
  })

  it('passes a failure on, aborting what may still run', async () => {
    let signal: AbortSignal | undefined
    const failing = withDeadline(1000, async (given) => {
      signal = given
      throw new Error('broken')
    })
    await expect(failing).rejects.toThrow('broken')
    expect(signal?.aborted).toBe(true)
  })
})
