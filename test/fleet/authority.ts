import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createTestIssuer, type TestIssuer } from 'portcullis/testing'
import { createTokenSessions, type TokenSessions } from '../soak/token-server.js'

/** What the authorization server does with requests. */
export type Mood =
  /** Answers. */
  | 'up'
  /** Breaks each connection: as good as down. */
  | 'down'
  /** Takes requests and does not answer. */
  | 'hanging'

/** The authorization server of a fleet: metadata and keys, and a token endpoint that takes each refresh token once. */
export interface Authority extends Pick<TokenSessions, 'sessions' | 'signIn'> {
  readonly origin: string
  readonly issuer: TestIssuer
  mood: Mood
  /** How many requests came since it was last asked, in each second. */
  takeSeconds(): readonly number[]
  close(): Promise<void>
}

export async function startAuthority(): Promise<Authority> {
  const { sessions, signIn, redeem } = createTokenSessions()
  let seconds = new Map<number, number>()

  function documentAt(url: string, { issuer: own, publishedKeys }: TestIssuer): object | undefined {
    if (url === '/jwks') return { keys: publishedKeys() }
    const isMetadata = url === '/.well-known/oauth-authorization-server'
    return isMetadata ? { issuer: own, jwks_uri: `${own}/jwks`, token_endpoint: `${own}/token` } : undefined
  }

  const http = createServer(async (request, response) => {
    const second = Math.floor(performance.now() / 1000)
    seconds.set(second, (seconds.get(second) ?? 0) + 1)
    if (authority.mood === 'down') return void request.destroy()
    if (authority.mood === 'hanging') return
    const { url = '' } = request
    const form = new URLSearchParams(await text(request))
    const answer = url === '/token' ? redeem(form.get('refresh_token') ?? '') : documentAt(url, authority.issuer)
    const status = url === '/token' ? 400 : 404
    response.writeHead(answer === undefined ? status : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { error: 'invalid_grant' }))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const issuer = createTestIssuer({ issuer: origin, lifetimeSeconds: 86_400 })
  const authority: Authority = {
    origin,
    issuer,
    sessions,
    signIn,
    mood: 'up',
    takeSeconds() {
      const counted = [...seconds].sort(([one], [other]) => one - other).map(([, requests]) => requests)
      seconds = new Map()
      return counted
    },
    async close() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
      await authority.issuer.close()
    },
  }
  return authority
}
