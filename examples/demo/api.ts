import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createGrants, createResourceServer } from 'portcullis'
import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { inspector } from 'portcullis/inspector'
import { clients, type ResourceDefinition } from '../support/provider-configuration.js'
import { calendarScope, calendarService } from './calendar.js'

/** The scopes of the API's routes. */
export const scopes = { profile: 'profile', reports: 'reports:write', secrets: 'secrets:read' } as const

/** The protected resources. */
export interface Resources {
  /** The API: its resource identifier, which is where it is. */
  readonly resource: string
  /** A second resource at the same place, whose tokens are opaque. */
  readonly vault: string
  /** Another service, which the API calls for its users. */
  readonly calendar: string
}

/** The API under guard. */
export interface Api extends Resources {
  /** All resources, as the authorization server has to know them. */
  readonly definitions: Readonly<Record<string, ResourceDefinition>>
  /** The authorization server is known only once the API's own address is. */
  trust(issuer: string): void
  close(): Promise<void>
}

/**
 * Opens a port on 127.0.0.1 for the API. Nothing answers there before it was told whom to trust.
 *
 * @param showPage - gets the URL of its development page; without it there is none.
 */
export async function openApi(showPage?: (url: string) => void): Promise<Api> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const resource = `${origin}/api`
  const vault = `${origin}/vault`
  const calendar = `${origin}/calendar`
  return {
    resource,
    vault,
    calendar,
    definitions: {
      [resource]: { scopes: [scopes.profile, scopes.reports], lifetimeSeconds: 3600 },
      [vault]: { scopes: [scopes.secrets], format: 'opaque' },
      [calendar]: { scopes: [calendarScope] },
    },
    trust(issuer) {
      const announce = showPage && ((address: string) => showPage(`${origin}${address}`))
      const app = guardedApp({ resource, vault, calendar }, issuer, announce)
      server.on('request', app.use(calendarService(calendar, issuer)))
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
function guardedApp(
  { resource, vault, calendar }: Resources,
  issuer: string,
  announce: ((address: string) => void) | undefined,
): express.Express {
  const credential = clientSecretBasic(clients.gateway)
  const server = createResourceServer({
    resource: [resource, vault],
    issuer: { issuer, introspection: { credential } },
    mtls: { certificateFrom: 'rfc9440' },
    trustedProxies: ['127.0.0.1'], // whatever runs on this machine stands for the proxy that ends TLS
    allowInsecureLoopback: true,
  })
  const grants = createGrants({ client: createOAuthClient({ issuer, credential, allowInsecureLoopback: true }) })
  const { metadata, requireToken, grant } = portcullis(server, { resource, grants })

  const app = express()
  app.use(metadata())
  if (announce !== undefined) app.use(inspector(server, { announce }))
  app.get('/api/me', requireToken({ scope: scopes.profile }), (req, res) => {
    res.json(req.auth.claims)
  })
  app.post('/api/reports', requireToken({ scope: scopes.reports }), (_req, res) => {
    res.status(201).json({ created: true })
  })
  app.get('/api/keys', requireToken({ acr: 'urn:example:mfa', maxAgeSeconds: 300 }), (_req, res) => {
    res.json({ keys: [] })
  })
  app.get('/api/machines', requireToken({ mtls: 'required' }), (req, res) => {
    res.json(req.auth.claims)
  })
  app.get('/api/agenda', requireToken(), grant(calendar), async ({ auth }, res) => {
    const response = await auth.access.fetch(calendar)(`${calendar}/events`)
    res.status(response.status).json(await response.json())
  })
  app.get('/vault/secret', requireToken({ resource: vault, scope: scopes.secrets }), (req, res) => {
    res.json(req.auth.claims)
  })
  return app
}
