/** The API on your own machine, with the authorization servers of two customers in the same process: npm start */
import { createTestIssuer } from 'portcullis/testing'
import { createApp, type Tenant } from './app.js'

const { PORT = '3000' } = process.env
const resource = `http://127.0.0.1:${PORT}`
const lifetimeSeconds = 3600
const acme = createTestIssuer({ audience: 'acme-projects', lifetimeSeconds })
const globex = createTestIssuer({ audience: 'https://globex.example.com/api', lifetimeSeconds })
const tenants = new Map<string, Tenant>([
  [await acme.listen(), { name: 'Acme', audience: 'acme-projects' }],
  [await globex.listen(), { name: 'Globex', audience: 'https://globex.example.com/api' }],
])

createApp({ resource, tenants, allowInsecureLoopback: true }).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`The API is at ${resource}`)
  for (const issuer of [acme, globex]) {
    const token = issuer.mintToken({ sub: '1', scope: 'projects:read projects:write' })
    console.log(`Try: curl -i ${resource}/projects -H 'Authorization: Bearer ${token}'`)
  }
})
