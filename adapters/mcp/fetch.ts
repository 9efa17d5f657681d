import { fetchRequestFacts, setFetchHeaders, toFetchResponse, withFetchHeaders } from '../../src/adapter.js'
import { InvalidRequestError } from '../../src/index.js'
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
    if (!result.ok) return toFetchResponse(result.answer)
    const options = { authInfo: describe(result.auth), ...(readsBody && { parsedBody }) }
    const fields = new Headers()
    setFetchHeaders(fields, result.headers)
    return withFetchHeaders(await handler(request, options), fields)
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
