import { ConfigurationError, InvalidRequestError, type RequestFacts } from '../../src/index.js'

/**
 * The tools a JSON-RPC message calls, or a batch of messages.
 *
 * @throws {@link InvalidRequestError} for a body that is not said to be JSON: no SDK would read it, and if one did, we
 * have not.
 * @throws {@link ConfigurationError} for JSON that nobody has parsed.
 */
export function calledTools(facts: RequestFacts, body: unknown): readonly string[] {
  const [contentType = ''] = facts.headerValues('content-type')
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: 'the body is no JSON' })
  }
  if (typeof body !== 'object' || body === null || ArrayBuffer.isView(body)) {
    throw new ConfigurationError('`tools` needs the parsed body: mount a JSON parser before the MCP gate.')
  }
  return [body].flat().flatMap((message) => calledTool(message) ?? [])
}

function calledTool(message: unknown): string | undefined {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } | null }
  return method === 'tools/call' && typeof params?.name === 'string' ? params.name : undefined
}
