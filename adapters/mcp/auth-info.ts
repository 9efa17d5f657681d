import { Auth, keepAccess } from '../../src/adapter.js'

/**
 * The caller in the shape of the MCP SDK (`AuthInfo` of either version), which tool handlers find as `extra.authInfo`
 * (version 1) or `ctx.http.authInfo` (version 2).
 *
 * @group MCP
 */
export interface AuthInfo {
  /** Readable, but in no log: `JSON.stringify` and inspection leave it out. Never pass it on (MCP security practices). */
  token: string
  /** Empty where the token names no client. */
  clientId: string
  scopes: string[]
  /** In seconds since the Unix epoch. */
  expiresAt?: number
  resource: URL
  /** For challenges that version 2 of the SDK makes by itself. */
  resourceMetadataUrl?: string
  extra: { portcullis: Auth; [name: string]: unknown }
}

/** Turns the caller into the shape of the SDK. `authOf` finds the way back. @group MCP */
export function toAuthInfo<Claims>(auth: Auth<Claims>, resourceMetadataUrl?: string): AuthInfo {
  const info: Omit<AuthInfo, 'token'> = {
    clientId: auth.clientId ?? '',
    scopes: [...auth.scopes],
    ...(auth.expiresAt !== undefined && { expiresAt: auth.expiresAt }),
    resource: new URL(auth.resource),
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
    extra: { portcullis: auth as Auth },
  }
  return Object.defineProperty(info, 'token', { value: auth.token, enumerable: false }) as AuthInfo
}

/** The caller a gate let through, with what grants before it brought: of our own adapter's guard, or of another gate. */
export function withEarlier<Claims>(auth: Auth<Claims>, earlier: unknown): Auth<Claims> {
  return keepAccess(auth, earlier instanceof Auth ? earlier : authOf(earlier))
}

/** Where frameworks hand {@link AuthInfo} to tool handlers. */
interface Carrier {
  readonly authInfo?: unknown
  readonly http?: { readonly authInfo?: unknown } | undefined
  readonly session?: unknown
  readonly extra?: { readonly portcullis?: unknown } | undefined
}

/**
 * Who calls a tool: out of the last argument of its handler, of either version of the SDK or of FastMCP, or out of an
 * {@link AuthInfo}. `undefined` where no gate of ours has let the request through.
 *
 * @group MCP
 */
export function authOf(carrier: unknown): Auth | undefined {
  if (typeof carrier !== 'object' || carrier === null) return undefined
  const { authInfo, http, session, extra } = carrier as Carrier
  const found = extra?.portcullis
  return found instanceof Auth ? found : authOf(authInfo ?? http?.authInfo ?? session)
}

/**
 * The key to keep an MCP session by: of the user, the client and the session id together, so that the id alone opens
 * nothing and is not found for anybody else. The id must still be unguessable (`randomUUID`).
 *
 * @group MCP
 */
export function sessionKey(auth: Auth<unknown>, sessionId: string): string {
  return JSON.stringify([auth.issuer, auth.subject, auth.clientId, auth.resource, sessionId])
}
