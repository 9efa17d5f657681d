import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTestIssuer } from 'portcullis/testing'
import { startLocally } from '../dev/start-worker.js'

const resource = 'https://api.example.com'
const issuer = createTestIssuer({ audience: resource })
const worker = await startLocally({ resource, issuer: await issuer.listen() })
const { origin } = await worker.url

after(async () => {
  await worker.dispose()
  await issuer.close()
})

function call(path: string, token?: string, note?: unknown) {
  const headers = new Headers({ 'content-type': 'application/json' })
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  return fetch(
    origin + path,
    note === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(note) },
  )
}

test('a caller without a token is told where to get one', async () => {
  const refused = await call('/notes')
  assert.equal(refused.status, 401)
  const challenge = refused.headers.get('www-authenticate') ?? ''
  assert.ok(challenge.startsWith(`Bearer resource_metadata="${resource}/.well-known/oauth-protected-resource"`))
  const metadata = await call('/.well-known/oauth-protected-resource')
  assert.deepEqual(((await metadata.json()) as { authorization_servers: string[] }).authorization_servers, [
    issuer.issuer,
  ])
})

test('each user has notes of their own', async () => {
  const alice = issuer.mintToken({ sub: 'alice', scope: 'notes:read notes:write' })
  const bob = issuer.mintToken({ sub: 'bob', scope: 'notes:read' })
  assert.equal((await call('/notes', alice, { text: 'milk' })).status, 201)
  assert.deepEqual(await (await call('/notes', alice)).json(), ['milk'])
  assert.deepEqual(await (await call('/notes', bob)).json(), [])
})

test('a note that is none is refused', async () => {
  const alice = issuer.mintToken({ sub: 'alice', scope: 'notes:write' })
  assert.equal((await call('/notes', alice, { words: 'milk' })).status, 400)
})

test('a token without the scope is refused, and the answer names the scope', async () => {
  const refused = await call('/notes', issuer.mintToken({ scope: 'notes:read' }), { text: 'milk' })
  assert.equal(refused.status, 403)
  const challenge = refused.headers.get('www-authenticate') ?? ''
  assert.match(challenge, /error="insufficient_scope"/)
  assert.match(challenge, /scope="notes:write"/)
})

test('a token for another API is refused', async () => {
  const token = issuer.mintToken({ aud: 'https://other.example.com', scope: 'notes:read' })
  assert.equal((await call('/notes', token)).status, 401)
})

test('a route for everybody greets those who have a token by name', async () => {
  assert.deepEqual(await (await call('/hello')).json(), { hello: 'stranger' })
  const token = issuer.mintToken({ sub: 'alice' })
  assert.deepEqual(await (await call('/hello', token)).json(), { hello: 'alice' })
})
