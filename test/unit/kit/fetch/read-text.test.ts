import { describe, expect, it } from 'vitest'
import { readText } from '../../../../src/kit/fetch/read-text.js'

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

describe('readText', () => {
  it('reads UTF-8 across chunks', async () => {
    const euro = bytes('€')
    const response = streamed([bytes('a'), euro.subarray(0, 1), euro.subarray(1), bytes('b')], () => {})
    expect(await readText(response, 5)).toBe('a€b')
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
