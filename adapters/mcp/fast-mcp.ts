import { type NodeRequest, nodeRequestFacts, toFetchResponse } from '../../src/adapter.js'
import { ConfigurationError } from '../../src/index.js'
import type { AuthInfo } from './auth-info.js'
import type { Endpoint } from './endpoint.js'
import type { McpGate } from './types.js'

/** Makes FastMCP's `authenticate`. FastMCP calls it twice for one request, and a DPoP proof is good for one use only. */
export function authenticator<Claims>({
  judge,
  describe,
  readsBody,
}: Endpoint<Claims>): ReturnType<McpGate['forFastMcp']> {
  if (readsBody) {
    throw new ConfigurationError('FastMCP shows no body to tell tools by: declare what they demand by `gate.tool`.')
  }
  const known = new WeakMap<NodeRequest, Promise<AuthInfo>>()

  async function authenticate(request: NodeRequest): Promise<AuthInfo> {
    const result = await judge(nodeRequestFacts(request), undefined)
    if (result.ok) return describe(result.auth)
    throw toFetchResponse(result.answer)
  }

  return async (request) => {
    if (request === undefined) throw new ConfigurationError('There are no tokens on stdio: guard the HTTP transport.')
    const authenticated = known.get(request) ?? authenticate(request)
    known.set(request, authenticated)
    return authenticated
  }
}
