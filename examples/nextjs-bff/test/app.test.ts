import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, test } from 'node:test'
import { startNext } from '../dev/start-next'
import { startSurroundings } from '../dev/surroundings'
import { Browser } from './browser'

const port = await freePort()
const app = `http://localhost:${port}`
const surroundings = await startSurroundings(app)
const { API } = surroundings.variables
const next = await startNext('start', port, surroundings.variables)

after(async () => {
  await next.stop()
  surroundings.close()
})

const json = { headers: { accept: 'application/json' } }

async function signedIn(name: string): Promise<Browser> {
  const browser = new Browser()
  const login = await browser.open(`${app}/auth/login?returnTo=/`)
  const consent = await browser.submit(login, { login: name, password: 'any' })
  const page = await browser.submit(consent)
  assert.equal(page.url.href, `${app}/`)
  assert.match(page.text, new RegExp(`Notes of (<!-- -->)?${name}`))
  return browser
}

test('the API wants a token: it knows nothing of logins or cookies', async () => {
  const refused = await fetch(`${API}/notes`)
  assert.equal(refused.status, 401)
  assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer resource_metadata="http/)
})

test('who has not signed in sees a link, and scripts are told where to sign in', async () => {
  const browser = new Browser()
  const page = await browser.open(app)
  assert.match(page.text, /Sign in/)
  const answer = await browser.open(`${app}/api/notes`, json)
  assert.equal(answer.status, 401)
  assert.ok(JSON.parse(answer.text).login_url.startsWith(`${app}/auth/login`))
})

test('who signs in gets a cookie that scripts cannot read, and no token', async () => {
  const browser = await signedIn('alice')
  const answer = await browser.open(`${app}/api/notes`, json)
  assert.deepEqual([answer.status, JSON.parse(answer.text)], [200, ['A note of alice']])

  const fields = browser.received.filter(({ host }) => host === new URL(app).host).map(({ field }) => field)
  assert.ok(fields.length > 0)
  for (const field of fields) assert.match(field, /HttpOnly/i)
  const { text } = await browser.open(app)
  for (const seen of [...fields, text, answer.text]) assert.doesNotMatch(seen, /eyJ[\w-]+\.[\w-]+\.[\w-]+/) // a JWT
})

test('what the token does not allow is refused by the API', async () => {
  const browser = await signedIn('alice')
  const init = { method: 'DELETE', headers: { ...json.headers, origin: app } }
  assert.equal((await browser.open(`${app}/api/notes`, init)).status, 403)
})

test('another site can do nothing with the cookie', async () => {
  const browser = await signedIn('alice')
  const init = { method: 'POST', headers: { ...json.headers, origin: 'https://evil.example' } }
  assert.equal((await browser.open(`${app}/auth/logout`, init)).status, 403)
  assert.equal((await browser.open(`${app}/api/notes`, json)).status, 200)
})

test('a logout ends the session', async () => {
  const browser = await signedIn('bob')
  await browser.submit(await browser.open(app))
  assert.equal((await browser.open(`${app}/api/notes`, json)).status, 401)
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
