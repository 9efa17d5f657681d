import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createTestIssuer } from 'portcullis/testing'

/** When everything is recorded. */
export const recordedAtMs = Date.UTC(2026, 10, 21, 20, 0, 0)

/** An authorization server on loopback whose user agrees at once, and whose clock stands still. */
export interface RecordedServer {
  readonly issuer: string
  close(): Promise<void>
}

export async function startRecordedServer(): Promise<RecordedServer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = createTestIssuer({
    issuer: origin,
    clock: () => recordedAtMs,
    audience: 'my-app',
    algorithms: ['ES256', 'RS256'],
    metadata: {
      authorization_endpoint: `${origin}/authorize`,
      revocation_endpoint: `${origin}/revoke`,
      userinfo_endpoint: `${origin}/userinfo`,
      device_authorization_endpoint: `${origin}/device`,
      response_types_supported: ['code'],
      scopes_supported: ['openid', 'email', 'offline_access'],
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: ['ES256'],
    },
  })
  let nonce: string | null = null

  function tokens(): Response {
    const claims = { azp: 'my-app', nonce, email: 'ann@example.com', scope: undefined, client_id: undefined }
    const rest = { token_type: 'Bearer', expires_in: 300, refresh_token: 'refresh', refresh_expires_in: 86_400 }
    const id = issuer.mintToken(claims, { header: { typ: 'JWT' } })
    return Response.json({ access_token: issuer.mintToken(), id_token: id, ...rest })
  }

  const answers: Readonly<Record<string, (url: URL) => Response>> = {
    '/authorize': ({ searchParams }) => {
      nonce = searchParams.get('nonce')
      const location = `${searchParams.get('redirect_uri')}?code=code&state=${searchParams.get('state')}`
      return new Response(null, { status: 302, headers: { location } })
    },
    '/token': tokens,
    '/userinfo': () => new Response(null, { status: 401 }),
    '/revoke': () => new Response(null, { status: 200 }),
    '/device': () =>
      Response.json({
        device_code: 'device-code',
        user_code: 'WDJB-MJHT',
        verification_uri: `${origin}/device`,
        expires_in: 600,
        interval: 0.01,
      }),
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin)
    const body = await text(request)
    const own = answers[url.pathname]
    const init = {
      method: request.method ?? 'GET',
      headers: {},
      redirect: 'manual',
      signal: new AbortController().signal,
    }
    const answered = own?.(url) ?? (await issuer.fetch(url.href, { ...init, body } as never))
    const date = new Date(recordedAtMs).toUTCString()
    response.writeHead(answered.status, { ...Object.fromEntries(answered.headers), date, connection: 'close' })
    response.end(await answered.text())
  }

  server.on('request', (request, response) => void answer(request, response))
  return {
    issuer: origin,
    async close() {
      server.close()
      server.closeAllConnections()
      await issuer.close()
    },
  }
}
