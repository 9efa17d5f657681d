import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'

/** What a session met. */
export interface Session {
  readonly subject: string
  refreshToken: string | undefined
  /** How often a refresh token was taken. */
  redemptions: number
  /** How often a spent one came again: the session is over then. */
  reuses: number
}

/** Sessions whose refresh tokens are each taken once. */
export interface TokenSessions {
  readonly sessions: ReadonlyMap<string, Session>
  /** A session, and the answer its login would have got. */
  signIn(id: string, subject: string): object
  /** The answer to a refresh; `undefined` for a token that is not taken. A second use ends the session (RFC 9700 §4.14.2). */
  redeem(refreshToken: string): object | undefined
}

export function createTokenSessions(): TokenSessions {
  const sessions = new Map<string, Session>()

  function issue(id: string, session: Session): object {
    session.refreshToken = `${id}.${randomBytes(16).toString('hex')}`
    const accessToken = `${session.subject}:${randomBytes(16).toString('hex')}`
    return { access_token: accessToken, token_type: 'Bearer', expires_in: 3600, refresh_token: session.refreshToken }
  }

  return {
    sessions,
    signIn(id, subject) {
      const session: Session = { subject, refreshToken: undefined, redemptions: 0, reuses: 0 }
      sessions.set(id, session)
      return issue(id, session)
    },
    redeem(refreshToken) {
      const [id = ''] = refreshToken.split('.')
      const session = sessions.get(id)
      if (session?.refreshToken === refreshToken) {
        session.redemptions += 1
        return issue(id, session)
      }
      if (session !== undefined) {
        session.reuses += 1
        session.refreshToken = undefined
      }
      return undefined
    },
  }
}

/** A token endpoint that takes each refresh token once, and ends the session at a second use, as RFC 9700 §4.14.2 says. */
export interface TokenServer extends Pick<TokenSessions, 'sessions' | 'signIn'> {
  readonly origin: string
  /** How long a redemption takes, counted after the old token is spent. */
  delayMs: number
  close(): Promise<void>
}

export async function startTokenServer(): Promise<TokenServer> {
  const { sessions, signIn, redeem } = createTokenSessions()

  const http = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request))
    if (request.url === '/revoke') return void response.end()
    const answer = redeem(form.get('refresh_token') ?? '')
    if (server.delayMs > 0) await wait(server.delayMs)
    response.writeHead(answer === undefined ? 400 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { error: 'invalid_grant' }))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server: TokenServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    sessions,
    delayMs: 0,
    signIn,
    async close() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
  return server
}
