/** The events of a login, of its sessions and of the tokens of its users. Part of the one union in events.ts. */
import type { AuthErrorCode, ClientErrorCode } from '../errors/index.js'

/** What the login tells: sign-ins, sessions and the tokens of users. Part of `PortcullisEvent`. @group Events */
export type LoginEvent =
  /** The tokens of a user were renewed. */
  | { readonly type: 'tokens.refreshed'; readonly provider: string; readonly durationMs: number }
  /** A refresh token was sent, or was to be sent, and no tokens came. */
  | {
      readonly type: 'tokens.refresh_failed'
      readonly provider: string
      readonly code: ClientErrorCode
      readonly durationMs: number
    }
  /**
   * Renewed tokens could not be written: this process alone has them. They serve for `secondsAtRisk`, and are written as
   * soon as the store answers; if the process ends before that, the user has to sign in again.
   */
  | {
      readonly type: 'tokens.persist_failed'
      readonly provider: string
      readonly code: AuthErrorCode
      readonly secondsAtRisk: number
    }
  /** A user has to sign in again. `reason` is one of `ReauthenticationReason`. Told once by each process. */
  | { readonly type: 'tokens.reauth_required'; readonly provider: string; readonly reason: string }
  /** The tokens of a user were deleted, and revoked where `revocation` says so. */
  | {
      readonly type: 'logout.completed'
      readonly provider: string
      readonly revocation: 'revoked' | 'unsupported' | 'failed' | 'nothing'
    }
  /** A browser's session began. */
  | { readonly type: 'session.created'; readonly provider: string }
  /** A browser's session was ended, by the user, by the next login, or by a logout elsewhere (`revoked`). One whose time is over ends without an event. */
  | { readonly type: 'session.ended'; readonly provider: string; readonly reason: 'logout' | 'replaced' | 'revoked' }
  /** A login was not started: its client starts too many. */
  | { readonly type: 'login.limited'; readonly provider: string }
  /** A user was sent to a provider to sign in. */
  | { readonly type: 'login.started'; readonly provider: string; readonly issuer: string }
  /** A user signed in. */
  | { readonly type: 'login.completed'; readonly provider: string; readonly issuer: string }
  /** An answer to a login was refused, or could not be judged. */
  | {
      readonly type: 'login.failed'
      readonly provider: string
      readonly issuer: string
      readonly code: ClientErrorCode
    }
