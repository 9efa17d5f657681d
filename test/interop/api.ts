import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import express, { type Express } from 'express'
import type { ResourceServer } from 'portcullis'
import { requestFacts } from 'portcullis/testing'
import { Agent, fetch as undiciFetch } from 'undici'
import type { TestCertificate } from '../support/certificates.js'
import { outcomeOfResult } from '../support/introspecting-server.js'

/** An API on a port of its own. It speaks TLS, asks for client certificates, and takes any: the guard judges them. */
export interface Api {
  readonly origin: string
  readonly app: Express
  close(): Promise<void>
}

/** Opens one. `folder` has the certificate of all servers of this run. */
export async function openApi(folder: string): Promise<Api> {
  const app = express()
  const https = createServer(
    {
      cert: await readFile(join(folder, 'server.pem')),
      key: await readFile(join(folder, 'server-key.pem')),
      requestCert: true,
      rejectUnauthorized: false,
    },
    app as RequestListener,
  ).listen(0, '127.0.0.1')
  await once(https, 'listening')
  return {
    origin: `https://localhost:${(https.address() as AddressInfo).port}`,
    app,
    async close() {
      const closed = once(https, 'close')
      https.close()
      https.closeAllConnections()
      await closed
    },
  }
}

/** A `fetch` that presents a client certificate. */
export function fetchWith({ cert, key }: TestCertificate): typeof fetch {
  const dispatcher = new Agent({ connect: { cert, key } })
  return ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher })) as unknown as typeof fetch
}

/** What becomes of a token that is sent as Bearer: `accepted`, or status and code. */
export async function outcome(server: ResourceServer, token: string | undefined): Promise<string> {
  if (token === undefined) throw new Error('there is no token')
  return outcomeOfResult(await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } })))
}

/** The status a logout token gets (OpenID Connect Back-Channel Logout). */
export async function logOut(server: ResourceServer, logoutToken: string | undefined): Promise<number> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const formBody = { logout_token: logoutToken }
  return (await server.backchannelLogout(requestFacts({ method: 'POST', headers, formBody }))).status
}

/** The `kid` a token names. */
export function keyOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
}
