/**
 * An API behind Portcullis, with Express.
 *
 *   npx tsx examples/express.ts [issuer] [port]
 */
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)

const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer,
  allowInsecureLoopback: true, // to try it with an issuer on this machine; any other must speak https
})
const { metadata, requireToken, optionalToken } = portcullis(server)

const app = express()
app.use(metadata())
app.get('/me', requireToken({ scope: 'profile' }), (req, res) => {
  res.json({ subject: req.auth.subject, scopes: req.auth.scopes })
})
app.get('/hello', optionalToken(), (req, res) => {
  res.json({ hello: req.auth?.subject ?? 'stranger' })
})

const listening = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
})
