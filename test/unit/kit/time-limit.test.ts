import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  inPatience,
  inTime,
  linkSignals,
  pause,
  unref,
  untilAborted,
  withTimeLimit,
} from '../../../src/kit/time-limit.js'

describe('withTimeLimit', () => {
  it('gives what the work gives, and leaves no timer behind', async () => {
    vi.useFakeTimers()
    try {
      expect(await withTimeLimit(1000, async () => 'done')).toBe('done')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('[JWKS-02] rejects when time is up and aborts the work, also work that ignores the signal', async () => {
    vi.useFakeTimers()
    try {
      let signal: AbortSignal | undefined
      const result = withTimeLimit(1000, (given) => {
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
      expect(await withTimeLimit(1000, async () => 'done')).toBe('done')
      expect(clearTimer).toHaveBeenCalledWith(7)
    } finally {
      setTimer.mockRestore()
      clearTimer.mockRestore()
    }
  })

  it('passes a failure on, aborting what may still run', async () => {
    let signal: AbortSignal | undefined
    const failing = withTimeLimit(1000, async (given) => {
      signal = given
      throw new Error('broken')
    })
    await expect(failing).rejects.toThrow('broken')
    expect(signal?.aborted).toBe(true)
  })

  it('[REAL-25] ends with the first source that aborts, for its reason, and does not wait for the work', async () => {
    const source = new AbortController()
    let signal: AbortSignal | undefined
    const work = (given: AbortSignal) => {
      signal = given
      return new Promise<never>(() => {})
    }
    const ended = expect(withTimeLimit(60_000, work, [undefined, source.signal])).rejects.toBe('enough')
    source.abort('enough')
    await ended
    expect(signal?.reason).toBe('enough')
    expect(getEventListeners(source.signal, 'abort')).toEqual([])
  })

  it('tells the end of the time of a source as its own', async () => {
    const source = new AbortController()
    const ended = withTimeLimit(60_000, () => new Promise<never>(() => {}), [source.signal])
    source.abort(new DOMException('late', 'TimeoutError'))
    await expect(ended).rejects.toMatchObject({ name: 'FetchFailure', reason: 'timeout' })
  })

  it('tells any other end of a source as it is', async () => {
    const source = new AbortController()
    const ended = withTimeLimit(60_000, () => new Promise<never>(() => {}), [source.signal])
    source.abort()
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('starts no work where a source is aborted already', async () => {
    const work = vi.fn(async () => 'done')
    await expect(withTimeLimit(1000, work, [AbortSignal.abort('before')])).rejects.toBe('before')
    expect(work).not.toHaveBeenCalled()
  })
})

describe('untilAborted', () => {
  it('gives what the work gives, and hands it the signal', async () => {
    const { signal } = new AbortController()
    const work = vi.fn(async () => 'done')
    expect(await untilAborted(signal, work)).toBe('done')
    expect(work).toHaveBeenCalledExactlyOnceWith(signal)
  })

  it('ends for the reason of the signal, also where the work ignores it or rejects for another', async () => {
    const source = new AbortController()
    const silent = untilAborted(source.signal, () => new Promise(() => {}))
    const other = untilAborted(source.signal, (signal) => {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    })
    source.abort('enough')
    await expect(silent).rejects.toBe('enough')
    await expect(other).rejects.toBe('enough')
  })

  it('starts nothing where the signal aborted before', async () => {
    const work = vi.fn(async () => 'done')
    await expect(untilAborted(AbortSignal.abort('before'), work)).rejects.toBe('before')
    expect(work).not.toHaveBeenCalled()
  })
})

describe('pause', () => {
  it('ends with its signal, starts nothing once that aborted, and leaves no listener there', async () => {
    vi.useFakeTimers()
    try {
      const controller = new AbortController()
      const { signal } = controller
      const over = pause(1000, signal)
      await vi.advanceTimersByTimeAsync(1000)
      await over
      expect(getEventListeners(signal, 'abort')).toEqual([])
      const ended = pause(1000, signal)
      controller.abort('enough')
      await expect(ended).rejects.toBe('enough')
      await expect(pause(1000, signal)).rejects.toBe('enough')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('and a time limit do not end at once where they are longer than a timer can be', async () => {
    vi.useFakeTimers()
    try {
      const over = vi.fn()
      void pause(2 ** 40).then(over)
      void withTimeLimit(2 ** 40, () => new Promise(() => {})).catch(over)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(over).not.toHaveBeenCalled()
    } finally {
      vi.useRealTimers()
    }
  })

  it('waits for as long as it is told', async () => {
    vi.useFakeTimers()
    try {
      const over = vi.fn()
      void pause(1000).then(over)
      await vi.advanceTimersByTimeAsync(999)
      expect(over).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(1)
      expect(over).toHaveBeenCalledOnce()
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('inTime', () => {
  it('gives what the work gives, and leaves no timer behind', async () => {
    vi.useFakeTimers()
    try {
      expect(await inTime(async () => 'done')).toBe('done')
      await expect(inTime(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('has its like for an answer that may be there already', async () => {
    expect(inPatience('there')).toBe('there')
    expect(await inPatience(Promise.resolve('later'))).toBe('later')
    vi.useFakeTimers()
    try {
      const refused = expect(inPatience(new Promise(() => {}))).rejects.toMatchObject({ reason: 'timeout' })
      await vi.advanceTimersByTimeAsync(5000)
      await refused
    } finally {
      vi.useRealTimers()
    }
  })

  it('waits 5 s for the application, and no longer', async () => {
    vi.useFakeTimers()
    try {
      const refused = expect(inTime(() => new Promise(() => {}))).rejects.toMatchObject({ reason: 'timeout' })
      await vi.advanceTimersByTimeAsync(4999)
      expect(vi.getTimerCount()).toBe(1)
      await vi.advanceTimersByTimeAsync(1)
      await refused
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('linkSignals', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('aborts with the first source, for its reason, and leaves no timer behind', () => {
    const [first, second] = [new AbortController(), new AbortController()]
    const { signal } = linkSignals([first.signal, undefined, null, second.signal], 1000)
    expect(signal.aborted).toBe(false)
    second.abort('enough')
    first.abort('too late')
    expect(signal.reason).toBe('enough')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('aborts at once where a source is aborted already', () => {
    const { signal } = linkSignals([AbortSignal.abort('before'), AbortSignal.abort('second')], 1000)
    expect(signal.reason).toBe('before')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('aborts with a TimeoutError when the time is up', async () => {
    const { signal } = linkSignals([], 1000)
    await vi.advanceTimersByTimeAsync(999)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError', message: 'The time is up' })
  })

  it('follows no longer once released', () => {
    const source = new AbortController()
    const { signal, release } = linkSignals([source.signal], 1000)
    release()
    source.abort()
    expect(signal.aborted).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('puts one listener on a source, however many follow, and takes it off with the last', () => {
    const source = new AbortController()
    const listeners = () => getEventListeners(source.signal, 'abort').length
    const followers = Array.from({ length: 50 }, () => linkSignals([source.signal], 1000))
    expect(listeners()).toBe(1)
    for (const { release } of followers.slice(0, 49)) release()
    expect(listeners()).toBe(1)
    followers[49]?.release()
    followers[49]?.release()
    expect(listeners()).toBe(0)

    const again = Array.from({ length: 3 }, () => linkSignals([source.signal], 1000))
    again[0]?.release()
    source.abort('enough')
    expect(again.map(({ signal }) => signal.reason)).toEqual([undefined, 'enough', 'enough'])
    expect(listeners()).toBe(0)
  })

  it('follows nobody where a source is aborted already', () => {
    const source = new AbortController()
    linkSignals([AbortSignal.abort('before'), source.signal], 1000)
    expect(getEventListeners(source.signal, 'abort')).toEqual([])
  })

  it('aborts also where nothing else holds the source or the linked signal, and memory was collected', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const aborted = vi.fn()
    linkSignals([], 1000).signal.addEventListener('abort', aborted)
    collect()
    await vi.advanceTimersByTimeAsync(1000)
    expect(aborted).toHaveBeenCalledOnce()
  })
})

describe('unref', () => {
  it('lets a timer not hold the process, and passes over what is no timer of Node', () => {
    const timer = { unref: vi.fn() }
    unref(timer)
    expect(timer.unref).toHaveBeenCalledOnce()
    for (const other of [undefined, null, 7, {}, { unref: true }]) expect(() => unref(other)).not.toThrow()
  })
})
