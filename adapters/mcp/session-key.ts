import type { Auth } from '../../src/index.js'

/**
 * The key to keep an MCP session by: of the user, the client and the session id together, so that the id alone opens
 * nothing and is not found for anybody else. The id must still be unguessable (`randomUUID`).
 *
 * @group MCP
 */
export function sessionKey(auth: Auth<unknown>, sessionId: string): string {
  return JSON.stringify([auth.issuer, auth.subject, auth.clientId, auth.resource, sessionId])
}
