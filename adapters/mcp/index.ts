/**
 * Portcullis for MCP servers made with the official TypeScript SDK, version 1 or 2, or with FastMCP.
 *
 * @module
 */
export { type AuthInfo, authOf, toAuthInfo } from './auth-info.js'
export { mcpGate } from './gate.js'
export { sessionKey } from './session-key.js'
export { type SdkErrors, type TokenVerifier, tokenVerifier } from './token-verifier.js'
export type {
  KoaContext,
  McpFastifyReply,
  McpFastifyRequest,
  McpFastifySender,
  McpGate,
  McpGateOptions,
  ToolError,
  ToolOptions,
} from './types.js'
