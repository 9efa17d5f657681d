/**
 * Portcullis for MCP servers made with the official TypeScript SDK, version 1 or 2, or with FastMCP.
 *
 * @module
 */
import { adapterRules, anything, checkOptions, func, object } from '../../src/adapter.js'
import type { AccessTokenClaims, ResourceServer } from '../../src/index.js'
import { toAuthInfo } from './auth-info.js'
import { createJudge } from './endpoint-judge.js'
import { createTool } from './gated-tool.js'
import type { McpGate, McpGateOptions } from './mcp-gate.js'
import { authenticator, expressGuard, fastifyGuard, fetchHandler, koaGuard } from './transports.js'

export { type AuthInfo, authOf, sessionKey, toAuthInfo } from './auth-info.js'
export type {
  KoaContext,
  McpFastifyReply,
  McpFastifyRequest,
  McpGate,
  McpGateOptions,
  ToolError,
  ToolOptions,
} from './mcp-gate.js'
export { type SdkErrors, type TokenVerifier, tokenVerifier } from './mcp-token-verifier.js'

/**
 * Makes the gate of one MCP endpoint: tokens on every request, the requirements of single tools, `Origin` and `Host`,
 * and the caller in the place where the SDK looks.
 *
 * @throws `ConfigurationError` for an option that cannot be right.
 * @group MCP
 */
export function mcpGate<Claims = AccessTokenClaims>(
  server: ResourceServer<Claims>,
  options: McpGateOptions<Claims> = {},
): McpGate<Claims> {
  checkOptions<McpGateOptions<Claims>>('mcpGate', options, {
    ...adapterRules,
    allowedHosts: anything,
    allowedOrigins: anything,
    connection: func,
    requirement: object,
    tools: object,
  })
  if (server.resources.length === 1) server.serveMetadataAtRoot()
  const endpoint = {
    judge: createJudge(server, options),
    describe: (auth: Parameters<typeof toAuthInfo<Claims>>[0]) => toAuthInfo(auth, server.metadataUrl(auth.resource)),
    readsBody: options.tools !== undefined,
  }
  return {
    forExpress: () => expressGuard(endpoint),
    forFastify: () => fastifyGuard(endpoint),
    forKoa: () => koaGuard(endpoint),
    forFetch: (handler) => fetchHandler(endpoint, handler, options.connection),
    forFastMcp: () => authenticator(endpoint),
    tool: createTool(server, options),
  }
}
