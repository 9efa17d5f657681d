/*
 * The client's half of the MCP authorization specification, for the official SDK's client: the same as a protected `fetch`,
 * in what MCP lays down besides. Imports nothing of the SDK.
 */
import { type ProtectedFetch, protectedFetchWith } from './protected-fetch.js'
import { type ProtectedFetchOptions, toProtectedSettings } from './protected-options.js'
import type { ResourceProfile } from './protected-tokens.js'

/** Options of {@link createMcpAuthProvider}. @group Protected resources */
export interface McpAuthProviderOptions extends Omit<ProtectedFetchOptions, 'resource'> {
  /** The URL of the MCP server: its one endpoint. */
  readonly serverUrl: string
}

/** What the transports of the official SDK take. @group Protected resources */
export interface McpAuthProvider
  extends Pick<ProtectedFetch, 'signIn' | 'token' | 'signOut' | 'close'>,
    AsyncDisposable {
  /** Give it as `fetch` to `StreamableHTTPClientTransport` or `SSEClientTransport`, without an `authProvider`. */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
}

const mcp: ResourceProfile = {
  allowsParent: true,
  asksSupportedScopes: true,
  needsPkce: true,
  asksOffline: true,
  assumesOrigin: true,
}
/** Streams of events end when one side ends them; the SDK limits its requests itself. */
const noTimeLimit = 2_147_483_647

/**
 * Gives the official SDK's client, version 1 or 2, a `fetch` that signs in where the MCP server says: {@link createProtectedFetch}
 * with what MCP lays down besides. The metadata may be that of a resource above at the same origin; without a scope in the
 * challenge all of `scopes_supported` are asked for, and `offline_access` where the server lists it; an authorization server
 * that does not list the PKCE method S256 is refused. Without `timeoutMs` requests have no time limit: streams last.
 *
 * For servers of the revision 2025-03-26, which have no metadata of resources: where the challenge names none and none is
 * found, the origin stands for the authorization server, by its metadata (RFC 8414) or else by `/authorize`, `/token` and
 * `/register`; endpoints of another origin are refused. `issuers` without that origin rules it out.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown.
 * @group Protected resources
 */
export function createMcpAuthProvider(options: McpAuthProviderOptions): McpAuthProvider {
  const { serverUrl, ...rest } = Object(options) as McpAuthProviderOptions
  const settings = toProtectedSettings('createMcpAuthProvider', {
    timeoutMs: noTimeLimit,
    ...rest,
    resource: serverUrl,
  })
  const fetch = protectedFetchWith(settings, mcp)
  const { signIn, token, signOut, close } = fetch
  return Object.freeze({
    fetch: (url: string | URL, init?: RequestInit) => fetch(url, init),
    signIn,
    token,
    signOut,
    close,
    [Symbol.asyncDispose]: close,
  })
}
