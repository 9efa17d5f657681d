import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'

/** The scopes of the API's routes. */
export const scopes = { profile: 'profile', reports: 'reports:write' } as const

/** The API under guard. */
export interface Api {
  /** Its resource identifier, which is where it is. */
  readonly resource: string
  /** The authorization server is known only once the API's own address is. */
  trust(issuer: string): void
  close(): Promise<void>
}

/** Opens a port on 127.0.0.1 for the API. Nothing answers there before it was told whom to trust. */
export async function openApi(): Promise<Api> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const resource = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`
  return {
    resource,
    trust(issuer) {
      server.on('request', guardedApp(resource, issuer))
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** This is all an application has to write. */
function guardedApp(resource: string, issuer: string): express.Express {
  const server = createResourceServer({ resource, issuer, allowInsecureLoopback: true })
  const { metadata, requireToken } = portcullis(server)

  const app = express()
  app.use(metadata())
  app.get('/api/me', requireToken({ scope: scopes.profile }), (req, res) => {
    res.json(req.auth.claims)
  })
  app.post('/api/reports', requireToken({ scope: scopes.reports }), (_req, res) => {
    res.status(201).json({ created: true })
  })
  return app
}
