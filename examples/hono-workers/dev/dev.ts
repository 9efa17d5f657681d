/** The Worker on your own machine, with an authorization server beside it: npm start */
import { createTestIssuer } from 'portcullis/testing'
import { startLocally } from './start-worker.js'

const port = Number(process.env['PORT'] ?? 3000)
const resource = `http://127.0.0.1:${port}`
const issuer = createTestIssuer({ audience: resource, lifetimeSeconds: 3600 })
const worker = await startLocally({ resource, issuer: await issuer.listen(), port })
await worker.ready
const token = issuer.mintToken({ sub: 'alice', scope: 'notes:read notes:write' })
console.log(`The API is at ${resource}`)
console.log(`Try: curl -i ${resource}/notes -H 'Authorization: Bearer ${token}'`)
