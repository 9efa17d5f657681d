/** An instance of the API, as compose.yaml starts it. */
import { Redis } from 'ioredis'
import { createApp } from './app.js'

const { RESOURCE, ISSUER, JWKS_URI, INSECURE_HOSTS, REDIS_URL, PORT = '3000' } = process.env
if (!RESOURCE || !ISSUER || !REDIS_URL) throw new Error('Set RESOURCE, ISSUER and REDIS_URL, as compose.yaml does.')

const redis = new Redis(REDIS_URL)
const insecureHosts = INSECURE_HOSTS?.split(',')
const app = createApp({ resource: RESOURCE, issuer: ISSUER, jwksUri: JWKS_URI, insecureHosts, redis })
const listening = app.listen(Number(PORT))

process.once('SIGTERM', () => {
  listening.close()
  redis.disconnect()
})
