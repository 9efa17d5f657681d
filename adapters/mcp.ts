/**
 * Portcullis for MCP servers made with the official TypeScript SDK, version 1 or 2, or with FastMCP.
 *
 * @module
 */
export { type AuthInfo, authOf, toAuthInfo } from './mcp/auth-info.js'
export { mcpGate } from './mcp/gate.js'
export { sessionKey } from './mcp/session-key.js'
export { type SdkErrors, type TokenVerifier, tokenVerifier } from './mcp/token-verifier.js'
export type {
  KoaContext,
  McpFastifyReply,
  McpFastifyRequest,
  McpFastifySender,
  McpGate,
  McpGateOptions,
  ToolError,
  ToolOptions,
} from './mcp/types.js'
