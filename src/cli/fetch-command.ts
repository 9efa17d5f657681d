/** `portcullis fetch`: one request to a protected resource, with a token that is got where the resource says. */
import { createProtectedFetch } from '../login/resource/protected-fetch.js'
import { type CommandCall, CommandFailure, type ExitCode, readStdin } from './command-io.js'
import { openResource, reaching } from './resource-access.js'
import { typedUrl } from './typed-url.js'

/** More of an answer than this is not read. */
const maxAnswerBytes = 10_485_760
const maxBodyLength = 1_048_576

/** The work of `portcullis fetch`. */
export async function fetchCommand(call: CommandCall): Promise<ExitCode> {
  const { io, output, flags } = call
  const operand = call.operand as string
  typedUrl(operand)
  const init = await readInit(call)
  const { options, steps } = await openResource(call, (flags['resource'] as string | undefined) ?? operand)
  const fetch = createProtectedFetch(options)
  try {
    const response = await reaching(() => fetch(operand, { ...init, signal: io.signal }))
    const { status, headers, ok } = response
    const body = await reaching(() => readAnswer(response))
    output.say(`${status} ${headers.get('content-type') ?? ''}`.trimEnd())
    if (flags['json'] === true) {
      output.json({ url: operand, status, contentType: headers.get('content-type') ?? undefined, body, steps })
    } else if (body !== '') output.data(io.stdout.isTTY === true ? harmless(body) : body)
    return ok ? 0 : 1
  } finally {
    await fetch.close()
  }
}

async function readInit(call: CommandCall): Promise<RequestInit> {
  const { io, flags } = call
  const data =
    flags['data'] === '-'
      ? await readStdin(io, maxBodyLength, 'there is more on stdin than 1 MB')
      : (flags['data'] as string | undefined)
  const method = (flags['method'] as string | undefined) ?? (data === undefined ? 'GET' : 'POST')
  if (!/^[a-z]{1,20}$/i.test(method)) throw new CommandFailure('--method takes the name of a method, such as PUT')
  const type = (flags['content-type'] as string | undefined) ?? 'application/json'
  if (!/^[\x21-\x7e][\x20-\x7e]*$/.test(type)) throw new CommandFailure('--content-type takes a media type')
  const accept = { accept: 'application/json, text/event-stream, */*' }
  if (data === undefined) return { method: method.toUpperCase(), headers: accept }
  return { method: method.toUpperCase(), headers: { ...accept, 'content-type': type }, body: data }
}

/** As it is shown on a terminal: what could steer it is written out. */
function harmless(body: string): string {
  return body.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\n' || character === '\t' ? character : `\\u{${(character.codePointAt(0) as number).toString(16)}}`,
  )
}

async function readAnswer({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new CommandFailure('the answer is larger than 10 MB')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
