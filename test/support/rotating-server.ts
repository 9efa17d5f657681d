import { OAuthClientError, OAuthResponseError, type TokenSet, tokenSetFromResponse } from 'portcullis/client'
import type { TokenProvider } from 'portcullis/login'

/** What the server does with one refresh instead of answering it. */
export type Mishap = 'lost' | 'unreached' | OAuthClientError | ((previous: TokenSet) => Promise<TokenSet>)

/** An authorization server that takes each refresh token once, and ends the session at a second use. */
export interface RotatingServer {
  readonly provider: TokenProvider
  /** A session of its own for `subject`, as a login leaves it. */
  signIn(subject?: string, more?: object): TokenSet
  /** What the next refreshes meet, one by one. */
  next(...mishaps: Mishap[]): void
  /** Makes every refresh and revocation wait for this. */
  gate: (() => Promise<void>) | undefined
  /** How often a refresh token was taken. */
  redemptions: number
  /** How often a spent one came again. */
  reuses: number
  readonly sent: string[]
  readonly revoked: string[]
  /** Whether a session is alive. */
  isAlive(tokens: TokenSet): boolean
  livingSessions(): number
  /** Ends it, as an administrator does. */
  endSession(tokens: TokenSet): void
}

interface Session {
  readonly subject: string
  refreshToken: string | undefined
}

export function rotatingServer({
  clock,
  lifeSeconds = 100,
  rotates = true,
}: {
  readonly clock: () => number
  readonly lifeSeconds?: number
  readonly rotates?: boolean
}): RotatingServer {
  const sessions = new Map<string, Session>()
  const mishaps: Mishap[] = []
  let count = 0

  const sessionOf = ({ refreshToken }: TokenSet): Session | undefined => sessions.get(refreshToken?.split('.')[0] ?? '')

  function issue(id: string, session: Session, more: object = {}): TokenSet {
    count += 1
    if (rotates || session.refreshToken === undefined) session.refreshToken = `${id}.refresh-${count}`
    const tokens = { access_token: `${session.subject}:access-${count}`, refresh_token: session.refreshToken }
    return tokenSetFromResponse({ token_type: 'Bearer', expires_in: lifeSeconds, ...tokens, ...more }, { clock })
  }

  const invalidGrant = () => new OAuthResponseError('ERR_INVALID_GRANT', { status: 400, error: 'invalid_grant' })

  function redeem(previous: TokenSet): TokenSet {
    const session = sessionOf(previous)
    if (session?.refreshToken === undefined) throw invalidGrant()
    if (session.refreshToken !== previous.refreshToken) {
      server.reuses += 1
      session.refreshToken = undefined
      throw invalidGrant()
    }
    server.redemptions += 1
    return issue((previous.refreshToken as string).split('.')[0] as string, session)
  }

  const server: RotatingServer = {
    redemptions: 0,
    reuses: 0,
    sent: [],
    revoked: [],
    gate: undefined,
    next: (...more) => void mishaps.push(...more),
    signIn(subject = 'alice', more = {}) {
      count += 1
      const session: Session = { subject, refreshToken: undefined }
      sessions.set(`session-${count}`, session)
      return issue(`session-${count}`, session, more)
    },
    isAlive: (tokens) => sessionOf(tokens)?.refreshToken !== undefined,
    livingSessions: () => [...sessions.values()].filter(({ refreshToken }) => refreshToken !== undefined).length,
    endSession(tokens) {
      const session = sessionOf(tokens)
      if (session !== undefined) session.refreshToken = undefined
    },
    provider: {
      name: 'corporate',
      issuer: 'https://login.example.com',
      rotatesRefreshTokens: rotates,
      async refresh(previous) {
        server.sent.push(previous.refreshToken as string)
        await server.gate?.()
        const mishap = mishaps.shift()
        if (mishap === undefined) return redeem(previous)
        if (typeof mishap === 'function') return mishap(previous)
        if (mishap === 'lost') redeem(previous)
        throw mishap instanceof OAuthClientError
          ? mishap
          : new OAuthClientError(mishap === 'lost' ? 'ERR_NETWORK' : 'ERR_CONNECTION')
      },
      async revoke(tokens) {
        await server.gate?.()
        server.revoked.push(tokens.refreshToken as string)
        // A spent one ends nothing: only whoever has the newest can end the session.
        if (sessionOf(tokens)?.refreshToken === tokens.refreshToken) server.endSession(tokens)
        return 'revoked'
      },
    },
  }
  return server
}
