/** The form in the body of a request that nothing has read yet. Does not judge what is in it. */

import type { RequestFacts } from './request-facts.js'

/** What is read of a request of `node:http` whose body may still be there. */
export interface UnreadRequest extends AsyncIterable<Uint8Array> {
  /** The header fields, by lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Whether the body was read, as by a parser. */
  readonly readableDidRead?: boolean | undefined
  /** Whether the whole body has come in. */
  readonly complete?: boolean | undefined
  /** Iterates over the body; with `destroyOnReturn: false` the connection lives on where the reading stops early. */
  iterator?(options: { readonly destroyOnReturn: boolean }): AsyncIterable<Uint8Array>
  /** Throws away what is left of the body. */
  resume?(): unknown
}

/** Longer forms are not read: a login's answer has at most 16 KiB, a logout token 64 KiB. */
const maxFormBytes = 73_728

/**
 * Reads the body of a request of `node:http` as a form; `undefined` where a parser has read it before, and where it is no
 * form. One that is longer than 72 KiB is not read, and is as if it were empty: what is left of it is thrown away as it
 * comes, as Node does with a body that no one reads, so that the request can be answered.
 *
 * @group Adapters
 */
export async function readNodeForm(request: UnreadRequest): Promise<URLSearchParams | undefined> {
  if (request.readableDidRead === true || !saysForm(request.headers['content-type'])) return undefined
  const form = await readForm(request.iterator?.({ destroyOnReturn: false }) ?? request)
  request.resume?.()
  return form
}

/**
 * Reads the body of a Fetch `Request` as a form; `undefined` as for {@link readNodeForm}.
 *
 * @group Adapters
 */
export async function readFetchForm(request: Request): Promise<URLSearchParams | undefined> {
  const { body, bodyUsed } = request
  if (bodyUsed || body === null || !saysForm(request.headers.get('content-type'))) return undefined
  return readForm(chunksOf(body))
}

/** Whether a request says that its body is a form. Does not look at the body. */
export function isForm(facts: RequestFacts): boolean {
  const [type, ...more] = facts.headerValues('content-type')
  return more.length === 0 && saysForm(type)
}

const formType = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i

function saysForm(contentType: unknown): boolean {
  return formType.test(String(contentType))
}

async function readForm(chunks: AsyncIterable<Uint8Array>): Promise<URLSearchParams> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for await (const chunk of chunks) {
    length += chunk.length
    if (length > maxFormBytes) return new URLSearchParams()
    text += decoder.decode(chunk, { stream: true })
  }
  return new URLSearchParams(text + decoder.decode())
}

/** Not every runtime lets a stream be iterated. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
}
