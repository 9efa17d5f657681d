import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { linkSignals } from '../../../src/kit/linked-signal.js'

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

  it('puts one listener on a source, however many follow, and takes it off with the last', () => {
    const source = new AbortController()
    const listeners = () => getEventListeners(source.signal, 'abort').length
    const followers = Array.from({ length: 50 }, () => linkSignals([source.signal]))
    expect(listeners()).toBe(1)
    for (const { release } of followers.slice(0, 49)) release()
    expect(listeners()).toBe(1)
    followers[49]?.release()
    followers[49]?.release()
    expect(listeners()).toBe(0)

    const again = Array.from({ length: 3 }, () => linkSignals([source.signal]))
    again[0]?.release()
    source.abort('enough')
    expect(again.map(({ signal }) => signal.reason)).toEqual([undefined, 'enough', 'enough'])
    expect(listeners()).toBe(0)
  })

  it('follows nobody where a source is aborted already', () => {
    const source = new AbortController()
    linkSignals([AbortSignal.abort('before'), source.signal])
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
