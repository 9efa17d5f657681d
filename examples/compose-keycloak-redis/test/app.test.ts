import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { createApp } from '../src/app.js'
import { startRedis } from '../src/redis-server.js'
import { startEmbedded } from './embedded.js'
import { startKeycloak } from './keycloak.js'

async function listen(): Promise<{ readonly http: Server; readonly origin: string }> {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  return { http, origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }
}

const instances = [await listen(), await listen()] as const
const [{ origin: one }, { origin: two }] = instances
const redis = await startRedis()
const surroundings = { resource: one, logoutUrl: `${one}/backchannel-logout` }
const distribution = process.env['KEYCLOAK']
const server = await (distribution ? startKeycloak(distribution, surroundings) : startEmbedded(surroundings))
const clients = instances.map(({ http }) => {
  const client = redis.connect()
  const insecureHosts = [new URL(server.issuer).host]
  http.on('request', createApp({ resource: one, issuer: server.issuer, insecureHosts, redis: client }))
  return client
})

after(async () => {
  for (const { http } of instances) http.close()
  for (const client of clients) client.disconnect()
  await Promise.all([redis.stop(), server.close()])
})

function call(origin: string, token?: string, note?: unknown) {
  const headers = new Headers({ 'content-type': 'application/json' })
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  const body = note === undefined ? undefined : JSON.stringify(note)
  return fetch(`${origin}/notes`, body === undefined ? { headers } : { method: 'POST', headers, body })
}

test('a caller without a token is told where to get one', async () => {
  const refused = await call(two)
  assert.equal(refused.status, 401)
  const metadataUrl = `${one}/.well-known/oauth-protected-resource`
  assert.ok(refused.headers.get('www-authenticate')?.startsWith(`Bearer resource_metadata="${metadataUrl}"`))
  const metadata = (await (await fetch(metadataUrl)).json()) as { authorization_servers: string[] }
  assert.deepEqual(metadata.authorization_servers, [server.issuer])
})

test('each user has notes of their own, at every instance', async () => {
  const alice = await server.login('alice', 'notes:read notes:write')
  const bob = await server.login('bob', 'notes:read')
  assert.equal((await call(one, alice.accessToken, { text: 'milk' })).status, 201)
  assert.deepEqual(await (await call(two, alice.accessToken)).json(), ['milk'])
  assert.deepEqual(await (await call(two, bob.accessToken)).json(), [])
})

test('a token without the scope is refused', async () => {
  const { accessToken } = await server.login('alice', 'notes:read')
  const refused = await call(one, accessToken, { text: 'milk' })
  assert.equal(refused.status, 403)
  assert.match(refused.headers.get('www-authenticate') ?? '', /error="insufficient_scope".*scope="notes:write"/)
})

test('a logout that one instance is told of ends the tokens of the session at all of them', async () => {
  const session = await server.login('alice', 'notes:read')
  const other = await server.login('bob', 'notes:read')
  assert.equal((await call(two, session.accessToken)).status, 200)
  await session.logout()
  assert.equal((await call(one, session.accessToken)).status, 401)
  assert.equal((await call(two, session.accessToken)).status, 401)
  assert.equal((await call(two, other.accessToken)).status, 200)
})
