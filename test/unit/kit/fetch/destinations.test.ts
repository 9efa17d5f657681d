import { describe, expect, it, vi } from 'vitest'
import { guardedFetch, guardedStream } from '../../../../src/kit/fetch/guarded-fetch.js'
import type { InsecureHosts } from '../../../../src/kit/fetch/secure-url.js'

/** Both ways out: for our own requests, and for those of an application. */
const ways = {
  async guardedFetch(url: string, insecureHosts: InsecureHosts, fetch: typeof globalThis.fetch) {
    const options = { timeoutMs: 1000, maxBytes: 100, headers: {}, insecureHosts, trustedHostnames: ['intranet'] }
    return guardedFetch(url, { ...options, fetch: fetch as never })
  },
  async guardedStream(url: string, insecureHosts: InsecureHosts, fetch: typeof globalThis.fetch) {
    const trustedHostnames = ['intranet']
    return guardedStream(url, {}, { fetch, timeoutMs: 1000, insecureHosts, trustedHostnames })
  },
}

describe.each(Object.entries(ways))('%s', (_, send) => {
  it.each<[string, InsecureHosts]>([
    ['https://intranet/x', false],
    ['https://issuer.example/x', false],
    ['https://8.8.8.8/x', false],
    ['http://localhost:8080/x', true],
    ['http://keycloak:8080/x', new Set(['keycloak:8080'])],
    ['https://keycloak:8080/x', new Set(['keycloak:8080'])],
  ])('[JWKS-08] [REAL-41] goes to %s', async (url, insecureHosts) => {
    const fetch = vi.fn(async () => new Response('{}'))
    await send(url, insecureHosts, fetch)
    expect(fetch).toHaveBeenCalledExactlyOnceWith(url, expect.anything())
  })

  it.each<[string, InsecureHosts, string]>([
    ['http://intranet/x', false, 'insecure_url'],
    ['http://localhost/x', false, 'insecure_url'],
    ['http://keycloak:8081/x', new Set(['keycloak:8080']), 'insecure_url'],
    ['https://user@intranet/x', false, 'insecure_url'],
    ['not a URL', false, 'insecure_url'],
    ['https://other/x', false, 'private_address'],
    ['https://sub.intranet.internal/x', false, 'private_address'],
    ['https://169.254.169.254/x', false, 'private_address'],
    ['https://10.0.0.7/x', true, 'private_address'],
    ['https://[::1]/x', false, 'private_address'],
  ])('[JWKS-01] [JWKS-08] refuses %s, and sends nothing', async (url, insecureHosts, reason) => {
    const fetch = vi.fn(async () => new Response('{}'))
    await expect(send(url, insecureHosts, fetch)).rejects.toMatchObject({ name: 'FetchFailure', reason })
    expect(fetch).not.toHaveBeenCalled()
  })
})

describe('guardedStream', () => {
  const url = 'https://api.example/notes'
  const options = { timeoutMs: 1000, insecureHosts: false, trustedHostnames: [] }

  it('sends what it was given, follows no redirect, and hands it over as it came', async () => {
    const sent: (RequestInit | undefined)[] = []
    const away = new Response(null, { status: 302, headers: { location: 'https://evil.example/' } })
    const fetch: typeof globalThis.fetch = async (_, init) => {
      sent.push(init)
      return away
    }
    const init = { method: 'PUT', body: 'x', headers: { authorization: 'Bearer t' }, redirect: 'follow' } as const
    expect(await guardedStream(url, init, { ...options, fetch })).toBe(away)
    expect(sent).toEqual([{ ...init, redirect: 'manual', signal: expect.any(AbortSignal) }])
  })

  it('refuses the answer to a redirect that was followed all the same, and drops its body', async () => {
    const cancel = vi.fn()
    const followed = Object.defineProperty(new Response(new ReadableStream({ cancel })), 'redirected', { value: true })
    const failure = guardedStream(url, {}, { ...options, fetch: async () => followed })
    await expect(failure).rejects.toMatchObject({ reason: 'redirect' })
    expect(cancel).toHaveBeenCalledOnce()
  })

  const silent = () => new Promise<never>(() => {})

  it('[REAL-25] ends when the caller gives up, when the part closes, and when the time is up', async () => {
    vi.useFakeTimers()
    try {
      const [caller, part] = [new AbortController(), new AbortController()]
      const byCaller = guardedStream(url, { signal: caller.signal }, { ...options, fetch: silent })
      const byPart = guardedStream(url, {}, { ...options, fetch: silent, closing: part.signal })
      const late = expect(guardedStream(url, {}, { ...options, fetch: silent })).rejects.toMatchObject({
        name: 'TimeoutError',
      })
      caller.abort('enough')
      part.abort('closed')
      await expect(byCaller).rejects.toBe('enough')
      await expect(byPart).rejects.toBe('closed')
      await vi.advanceTimersByTimeAsync(1000)
      await late
    } finally {
      vi.useRealTimers()
    }
  })

  it('leaves no timer behind where it fails', async () => {
    vi.useFakeTimers()
    try {
      const fetch = () => Promise.reject(new TypeError('fetch failed'))
      await expect(guardedStream(url, {}, { ...options, fetch })).rejects.toThrow('fetch failed')
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
