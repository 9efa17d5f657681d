import { ConfigurationError, InvalidRequestError, type RequestFacts } from '../../src/index.js'

/**
 * The tools a JSON-RPC message calls, or a batch of messages.
 *
 * @throws {@link InvalidRequestError} for a body that is not said to be JSON, which no SDK would read, and for JSON that is
 * no message.
 * @throws {@link ConfigurationError} for JSON that nobody has parsed.
 */
export function calledTools(facts: RequestFacts, body: unknown): readonly string[] {
  const [contentType = ''] = facts.headerValues('content-type')
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: 'the body is no JSON' })
  }
  if (body === undefined || ArrayBuffer.isView(body)) {
    throw new ConfigurationError('`tools` needs the parsed body: mount a JSON parser before the MCP gate.')
  }
  if (typeof body !== 'object')
    throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: 'no JSON-RPC message' })
  return [body].flat().flatMap((message) => calledTool(message) ?? [])
}

function calledTool(message: unknown): string | undefined {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } | null }
  return method === 'tools/call' && typeof params?.name === 'string' ? params.name : undefined
}
