import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { linkSignals } from '../../../src/lib/linked-signal.js'

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
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
  })

  it('follows no longer once released', () => {
    const source = new AbortController()
    const { signal, release } = linkSignals([source.signal], 1000)
    release()
    source.abort()
    expect(signal.aborted).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
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
