import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Fetch, FetchInit } from '../../../../src/kit/fetch/fetch.js'
import { FetchFailure } from '../../../../src/kit/fetch/fetch-failure.js'
import { type GuardedFetchOptions, guardedFetch } from '../../../../src/kit/fetch/guarded-fetch.js'
import { fetchPublic as fetchPublicOnTheWeb } from '../../../../src/kit/fetch/network/web.js'
import { isPlatformFetch, platformFetch } from '../../../../src/kit/fetch/platform-fetch.js'

const url = 'https://issuer.example/introspect'

function options(fetch: Fetch, more: Partial<GuardedFetchOptions> = {}): GuardedFetchOptions {
  const trustedHostnames = ['issuer.example']
  return { fetch, headers: {}, timeoutMs: 1000, maxBytes: 100, allowInsecureLoopback: false, trustedHostnames, ...more }
}

afterEach(() => vi.restoreAllMocks())

describe('guardedFetch', () => {
  it('sends a GET without a body by default, never to follow a redirect', async () => {
    let sent: FetchInit | undefined
    await guardedFetch(
      url,
      options(
        async (_, init) => {
          sent = init
          return new Response('')
        },
        { headers: { accept: 'application/json' } },
      ),
    )
    expect(sent).toEqual({
      method: 'GET',
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: expect.any(AbortSignal),
    })
  })

  it('sends a POST with its body', async () => {
    const fetch = vi.fn<Fetch>(async () => new Response('{}', { status: 400 }))
    const answer = await guardedFetch(url, options(fetch, { method: 'POST', body: 'token=x' }))
    expect(fetch.mock.calls[0]?.[1]).toMatchObject({ method: 'POST', body: 'token=x' })
    expect(answer).toMatchObject({ status: 400, text: '{}' })
  })

  it.each([
    ['Application/JSON; charset=utf-8', 'application/json'],
    ['application/jwk-set+json', 'application/jwk-set+json'],
    [undefined, ''],
  ])('reads content-type %s as %j', async (type, mediaType) => {
    const headers = type === undefined ? {} : { 'content-type': type }
    const answer = await guardedFetch(
      url,
      options(async () => new Response(new Uint8Array(), { headers })),
    )
    expect(answer.mediaType).toBe(mediaType)
    expect(answer.headers.get('content-type')).toBe(type ?? null)
  })

  it.each([301, 302, 303, 304, 307, 308])('[JWKS-02] refuses status %i', async (status) => {
    const fetch: Fetch = async () => new Response(null, { status, headers: { location: 'https://elsewhere.example' } })
    await expect(guardedFetch(url, options(fetch))).rejects.toMatchObject({ reason: 'redirect' })
  })

  it('[JWKS-02] refuses a redirect that a browser hides, and one an own fetch followed', async () => {
    for (const trace of [{ type: 'opaqueredirect' }, { redirected: true }]) {
      const fetch: Fetch = async () => Object.defineProperties(new Response('x'), descriptors(trace))
      await expect(guardedFetch(url, options(fetch))).rejects.toMatchObject({ reason: 'redirect' })
    }
  })

  it('[JWKS-02] drops the body of a redirect, whatever dropping it brings', async () => {
    const body = new ReadableStream({
      cancel() {
        throw new Error('cannot cancel')
      },
    })
    const fetch: Fetch = async () => new Response(body, { status: 302 })
    await expect(guardedFetch(url, options(fetch))).rejects.toMatchObject({ reason: 'redirect' })
  })

  it('[JWKS-08] finds the refusal of an address under the error of the fetch that met it', async () => {
    const fetch: Fetch = () =>
      Promise.reject(new TypeError('fetch failed', { cause: new FetchFailure('private_address') }))
    await expect(guardedFetch(url, options(fetch))).rejects.toMatchObject({ reason: 'private_address' })
  })

  it('turns whatever a fetch throws into a FetchFailure with a fixed text', async () => {
    for (const thrown of [new TypeError('fetch failed'), 'text', undefined, new FetchFailure('timeout')]) {
      const error = await guardedFetch(
        url,
        options(() => Promise.reject(thrown)),
      ).catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(FetchFailure)
      expect((error as FetchFailure).name).toBe('FetchFailure')
      expect((error as FetchFailure).message).not.toContain('fetch failed')
    }
  })
})

function descriptors(members: Record<string, unknown>): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, { value }]))
}

describe('platformFetch', () => {
  it('is the fetch of the platform at the time of the call', async () => {
    const init = { method: 'GET', headers: {}, redirect: 'manual', signal: new AbortController().signal } as const
    const mock = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('instrumented'))
    expect(await (await platformFetch(url, init)).text()).toBe('instrumented')
    expect(mock).toHaveBeenCalledWith(url, init)
  })

  it('is told from an own fetch, also when the platform function itself is given', () => {
    expect(isPlatformFetch(platformFetch)).toBe(true)
    expect(isPlatformFetch(globalThis.fetch as Fetch)).toBe(true)
    expect(isPlatformFetch((target, init) => globalThis.fetch(target, init))).toBe(false)
  })

  it('is all there is for public hosts on platforms that resolve no names', () => {
    expect(fetchPublicOnTheWeb).toBe(platformFetch)
  })
})
