import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createResourceServer, type Requirement, type ResourceServerOptions } from 'portcullis'
import { portcullis } from 'portcullis/express'

/** An Express API on a loopback port. */
export interface GuardedApi {
  /** Where it listens. */
  readonly origin: string
  /** Guards its routes from now on: one per requirement, by path. Handlers answer with what they know of the caller. */
  guard(options: ResourceServerOptions, routes: Readonly<Record<string, Requirement>>): void
  close(): Promise<void>
}

/** Opens a port; an authorization server has to know the API before the API can know it. */
export async function openGuardedApi(): Promise<GuardedApi> {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    guard(options, routes) {
      const gate = portcullis(createResourceServer({ allowInsecureLoopback: true, ...options }))
      const app = express()
      app.use(gate.metadata())
      for (const [path, requirement] of Object.entries(routes)) {
        app.all(path, gate.requireToken(requirement), (req, res) => {
          const { subject, scheme, claims, confirmation } = req.auth
          res.json({ subject, scheme, acr: claims['acr'], jkt: confirmation?.jkt })
        })
      }
      http.on('request', app)
    },
    async close() {
      const closed = once(http, 'close')
      http.close()
      http.closeAllConnections()
      await closed
    },
  }
}
