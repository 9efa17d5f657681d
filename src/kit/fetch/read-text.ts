import { FetchFailure } from './fetch-failure.js'

/**
 * Reads a body as UTF-8 text of at most `maxBytes` bytes, counted after decompression. A longer body is abandoned as
 * soon as it shows, and its stream cancelled.
 *
 * @throws {@link FetchFailure} `too_large` or `not_utf8`, or what the stream fails with.
 */
export async function readText(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return ''
  if (Number(response.headers.get('content-length')) > maxBytes) {
    void response.body.cancel().catch(() => {})
    throw new FetchFailure('too_large')
  }
  const reader = response.body.getReader()
  try {
    return await readAll(reader, maxBytes)
  } catch (error) {
    void reader.cancel().catch(() => {})
    throw error
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decode(decoder)
    bytes += value.byteLength
    if (bytes > maxBytes) throw new FetchFailure('too_large')
    text += decode(decoder, value)
  }
}

function decode(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
  } catch (cause) {
    throw new FetchFailure('not_utf8', cause)
  }
}
