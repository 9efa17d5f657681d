/** The API without Docker, with an authorization server in the same process and this machine's `redis-server`: npm start */
import { createTestIssuer } from 'portcullis/testing'
import { createApp } from './app.js'
import { startRedis } from './redis-server.js'

const { PORT = '3000' } = process.env
const resource = `http://127.0.0.1:${PORT}`
const issuer = createTestIssuer({ audience: resource, lifetimeSeconds: 3600 })
const insecureHosts = [new URL(await issuer.listen()).host]
const redis = (await startRedis()).connect()

createApp({ resource, issuer: issuer.issuer, insecureHosts, redis }).listen(Number(PORT), '127.0.0.1', () => {
  const token = issuer.mintToken({ sub: 'alice', scope: 'notes:read notes:write' })
  console.log(`The API is at ${resource}`)
  console.log(`Try: curl -i ${resource}/notes -H 'Authorization: Bearer ${token}'`)
})
