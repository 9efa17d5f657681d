import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { createTestIssuer } from 'portcullis/testing'
import { createApp, type Tenant } from '../src/app.js'

const acme = createTestIssuer({ audience: 'acme-projects' })
const globex = createTestIssuer({ audience: 'https://globex.example.com/api' })
const stranger = createTestIssuer({ audience: 'acme-projects' })
const tenants = new Map<string, Tenant>([
  [await acme.listen(), { name: 'Acme', audience: 'acme-projects' }],
  [await globex.listen(), { name: 'Globex', audience: 'https://globex.example.com/api' }],
])
await stranger.listen()

const app = createApp({ resource: 'https://api.example.com', tenants, allowInsecureLoopback: true })
const listening = app.listen(0, '127.0.0.1')
await once(listening, 'listening')
const origin = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`

after(async () => {
  listening.close()
  await Promise.all([acme.close(), globex.close(), stranger.close()])
})

const all = { sub: '1', scope: 'projects:read projects:write' }

function call(path: string, token?: string, method = 'GET') {
  return fetch(origin + path, { method, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
}

test('a caller without a token is refused', async () => {
  const refused = await call('/projects')
  assert.equal(refused.status, 401)
  assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer resource_metadata="https:\/\/api\.example\.com/)
})

test('users of two customers with the same subject see the projects of their own customer', async () => {
  assert.equal((await call('/projects/rocket', acme.mintToken(all), 'PUT')).status, 201)
  assert.deepEqual(await (await call('/projects', acme.mintToken(all))).json(), {
    tenant: 'Acme',
    projects: [{ name: 'rocket', owner: '1' }],
  })
  assert.deepEqual(await (await call('/projects', globex.mintToken(all))).json(), { tenant: 'Globex', projects: [] })
})

test('a token without the scope is refused', async () => {
  const token = acme.mintToken({ ...all, scope: 'projects:read' })
  assert.equal((await call('/projects/rocket', token, 'PUT')).status, 403)
})

test('a token of a server that is no customer is refused, and that server is never asked', async () => {
  assert.equal((await call('/projects', stranger.mintToken(all))).status, 401)
  assert.equal(stranger.requestCount(), 0)
})

test('a token that one customer signs in the name of another is refused', async () => {
  const forged = acme.mintToken({ ...all, iss: globex.issuer, aud: 'https://globex.example.com/api' })
  assert.equal((await call('/projects', forged)).status, 401)
})

test('a customer comes and goes while the API runs', async () => {
  tenants.set(stranger.issuer, { name: 'Initech', audience: 'acme-projects' })
  const token = stranger.mintToken(all)
  assert.equal((await call('/projects', token)).status, 200)
  tenants.delete(stranger.issuer)
  assert.equal((await call('/projects', token)).status, 401)
})
