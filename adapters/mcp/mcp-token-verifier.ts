import { InternalError, isAuthError } from '../../src/adapter.js'
import type { AuthError, Requirement, ResourceServer } from '../../src/index.js'
import { type AuthInfo, toAuthInfo } from './auth-info.js'

/**
 * The SDK's own error classes, by which its `requireBearerAuth` tells refusals: of version 1, the module
 * `@modelcontextprotocol/sdk/server/auth/errors.js`; of version 2, `{ OAuthError }`.
 *
 * @group MCP
 */
export type SdkErrors =
  | {
      readonly InvalidTokenError: new (message: string) => Error
      readonly InsufficientScopeError: new (message: string) => Error
      readonly ServerError: new (message: string) => Error
    }
  | { readonly OAuthError: new (code: string, message: string) => Error; readonly InvalidTokenError?: undefined }

/** What the SDK calls `OAuthTokenVerifier`. @group MCP */
export interface TokenVerifier {
  /** Rejects with an error of the SDK's. */
  verifyAccessToken(token: string): Promise<AuthInfo>
}

/**
 * A verifier for the SDK's own `requireBearerAuth`, where that must stay. Prefer {@link mcpGate}: the SDK's guard knows no
 * DPoP and no certificates, so that bound tokens are refused; it answers 500 while keys cannot be had; it challenges with
 * nothing but its own options; and it refuses tokens without an expiry.
 *
 * @group MCP
 */
export function tokenVerifier<Claims>(
  server: ResourceServer<Claims>,
  errors: SdkErrors,
  requirement: Requirement<Claims> = {},
): TokenVerifier {
  return {
    async verifyAccessToken(token) {
      try {
        const auth = await server.verify(token, requirement)
        return toAuthInfo(auth, server.metadataUrl(auth.resource))
      } catch (thrown) {
        throw toSdkError(errors, isAuthError(thrown) ? thrown : new InternalError(thrown))
      }
    },
  }
}

function toSdkError(errors: SdkErrors, { status, description }: AuthError): Error {
  const refused = status === 403 ? 'InsufficientScope' : 'InvalidToken'
  const kind = status >= 500 ? 'Server' : refused
  if (errors.InvalidTokenError !== undefined) return new errors[`${kind}Error`](description)
  return new errors.OAuthError(
    { Server: 'server_error', InsufficientScope: 'insufficient_scope', InvalidToken: 'invalid_token' }[kind],
    description,
  )
}
