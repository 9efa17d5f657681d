import { afterEach, describe, expect, it, vi } from 'vitest'
import { FetchFailure } from '../../../../src/kit/fetch/fetch-failure.js'
import { type GuardedFetchOptions, guardedFetch } from '../../../../src/kit/fetch/guarded-fetch.js'
import { fetchPublic as fetchPublicOnTheWeb } from '../../../../src/kit/fetch/network-web.js'
import type { Fetch, FetchInit } from '../../../../src/kit/fetch/platform-fetch.js'
import { isPlatformFetch, platformFetch } from '../../../../src/kit/fetch/platform-fetch.js'

const url = 'https://issuer.example/introspect'

function options(fetch: Fetch, more: Partial<GuardedFetchOptions> = {}): GuardedFetchOptions {
  const trustedHostnames = ['issuer.example']
  return { fetch, headers: {}, timeoutMs: 30_000, maxBytes: 100, insecureHosts: false, trustedHostnames, ...more }
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
    expect(sent).toStrictEqual({
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
    ['application/json ;charset=utf-8', 'application/json'],
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

  it.each([300, 301, 302, 303, 304, 307, 308])('[JWKS-02] refuses status %i', async (status) => {
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

function streamed(chunks: readonly Uint8Array[], onCancel: () => void, headers: Record<string, string> = {}): Response {
  const left = [...chunks]
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = left.shift()
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
    cancel: onCancel,
  })
  return new Response(body, { headers })
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function readText(response: Response, maxBytes: number): Promise<string> {
  return (
    await guardedFetch(
      url,
      options(async () => response, { maxBytes }),
    )
  ).text
}

describe('the body of an answer', () => {
  it('reads UTF-8 across chunks', async () => {
    const euro = bytes('€')
    const response = streamed([bytes('a'), euro.subarray(0, 1), euro.subarray(1), bytes('b')], () => {})
    expect(await readText(response, 5)).toBe('a€b')
  })

  it('reads what comes in many small pieces, and leaves the pieces as they are', async () => {
    const pieces = Array.from({ length: 100 }, (_, index) => bytes(`${index % 10}`))
    expect(
      await readText(
        streamed([...pieces], () => {}),
        100,
      ),
    ).toBe('0123456789'.repeat(10))
    expect(pieces.every(({ byteLength }) => byteLength === 1)).toBe(true)
  })

  it('keeps nothing of a text that was cut off for the next one', async () => {
    await expect(
      readText(
        streamed([bytes('€').subarray(0, 2)], () => {}),
        5,
      ),
    ).rejects.toThrow()
    expect(
      await readText(
        streamed([bytes('a')], () => {}),
        5,
      ),
    ).toBe('a')
  })

  it('takes no stream of anything but bytes', async () => {
    const response = streamed(['abc' as never], () => {})
    await expect(readText(response, 5)).rejects.toMatchObject({ name: 'FetchFailure' })
  })

  it('reads an answer without a body as empty text', async () => {
    expect(await readText(new Response(null, { status: 204 }), 5)).toBe('')
  })

  it('[JWKS-02] cancels the stream at the first byte too many', async () => {
    let cancelled = 0
    const response = streamed([bytes('abc'), bytes('def'), bytes('never read')], () => {
      cancelled += 1
    })
    await expect(readText(response, 5)).rejects.toMatchObject({ reason: 'too_large' })
    expect(cancelled).toBe(1)
  })

  it('[JWKS-02] does not begin to read what is announced as too large', async () => {
    let cancelled = 0
    const response = streamed([bytes('a')], () => (cancelled += 1), { 'content-length': '6' })
    await expect(readText(response, 5)).rejects.toMatchObject({ reason: 'too_large' })
    expect(cancelled).toBe(1)
  })

  it('reads what is announced as just as large as it may be', async () => {
    const response = streamed([bytes('abcde')], () => {}, { 'content-length': '5' })
    expect(await readText(response, 5)).toBe('abcde')
  })

  it('survives a stream whose cancellation fails', async () => {
    const refuse = (): never => {
      throw new Error('cannot cancel')
    }
    for (const headers of [{}, { 'content-length': '6' }] as Record<string, string>[]) {
      const response = streamed([bytes('abcdef'), bytes('g')], refuse, headers)
      await expect(readText(response, 5)).rejects.toMatchObject({ reason: 'too_large' })
    }
  })

  it('refuses bytes that are no UTF-8, in the middle and cut off at the end', async () => {
    for (const chunk of [Uint8Array.of(0xff, 0x61), bytes('€').subarray(0, 2)]) {
      await expect(
        readText(
          streamed([chunk], () => {}),
          5,
        ),
      ).rejects.toMatchObject({ reason: 'not_utf8' })
    }
  })
})
