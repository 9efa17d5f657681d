/**
 * An API that calls another one for its user, by token exchange (RFC 8693).
 *
 *   CLIENT_ID=… CLIENT_SECRET=… npx tsx examples/on-behalf-of.ts [issuer] [port] [calendar]
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createGrants, createResourceServer } from 'portcullis'
import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { portcullis } from 'portcullis/express'

const [issuer = 'https://login.example.com', port = '0', calendar = 'https://calendar.example.com/'] =
  process.argv.slice(2)
const { CLIENT_ID: clientId = 'test-client', CLIENT_SECRET: clientSecret = 'test-secret' } = process.env
const allowInsecureLoopback = true // to try it on this machine; anything else must speak https

const server = createResourceServer({ resource: 'https://api.example.com', issuer, allowInsecureLoopback })
const client = createOAuthClient({
  issuer,
  credential: clientSecretBasic({ clientId, clientSecret }),
  allowInsecureLoopback,
})
const { requireToken, grant } = portcullis(server, { grants: createGrants({ client }) })

const app = express()
app.get('/agenda', requireToken(), grant({ resource: calendar, scope: 'events:read' }), async ({ auth }, res) => {
  const response = await auth.access.fetch(calendar)('events?day=today')
  res.status(response.ok ? 200 : 502).json({ user: auth.subject, events: response.ok ? await response.json() : [] })
})

const listening = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
})
