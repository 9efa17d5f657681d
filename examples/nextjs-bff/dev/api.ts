import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'

/** Stands for your API: it takes access tokens, and knows nothing of logins or cookies. */
export async function startApi() {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const resource = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return {
    resource,
    trust(issuer: string) {
      const server = createResourceServer({ resource, issuer, allowInsecureLoopback: true })
      const { metadata, requireToken } = portcullis(server)
      const app = express()
      app.use(metadata())
      app.get('/notes', requireToken({ scope: 'notes:read' }), ({ auth }, res) => {
        res.json([`A note of ${auth.subject}`])
      })
      app.delete('/notes', requireToken({ scope: 'notes:delete' }), (_req, res) => {
        res.status(204).end()
      })
      http.on('request', app)
    },
    close: () => http.close(),
  }
}
