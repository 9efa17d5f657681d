import { fetchRequestFacts, type HttpAnswer, InvalidRequestError, mergeField } from '../../src/index.js'
import type { Endpoint } from './endpoint.js'
import type { McpGate, McpGateOptions } from './types.js'

type Handler = Parameters<McpGate['forFetch']>[0]

const bodyLimitBytes = 4_194_304

/** Makes the Fetch handler around the SDK's. */
export function fetchHandler<Claims>(
  { judge, describe, readsBody }: Endpoint<Claims>,
  handler: Handler,
  connection: McpGateOptions['connection'],
): (request: Request) => Promise<Response> {
  return async (request) => {
    let parsedBody: unknown
    const result = await judge(fetchRequestFacts(request, connection?.(request)), async () => {
      parsedBody = await readJson(request)
      return parsedBody
    })
    if (!result.ok) return toResponse(result.answer)
    const options = { authInfo: describe(result.auth), ...(readsBody && { parsedBody }) }
    return withFields(await handler(request, options), result.headers)
  }
}

/** @throws {@link InvalidRequestError} for what is no JSON, or larger than the SDK takes. */
async function readJson(request: Request): Promise<unknown> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > bodyLimitBytes)
      throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: 'the body is too large' })
    text += decoder.decode(chunk, { stream: true })
  }
  try {
    return JSON.parse(text + decoder.decode())
  } catch (cause) {
    throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: 'the body is no JSON', cause })
  }
}

/** The answer as a response, one field for each value. */
export function toResponse({ status, headers, body }: HttpAnswer): Response {
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  )
  return new Response(body === '' ? null : body, { status, headers: fields })
}

function withFields(response: Response, added: HttpAnswer['headers']): Response {
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(added)) {
    headers.set(name, [mergeField(name, headers.get(name) ?? undefined, value)].flat().join(', '))
  }
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
