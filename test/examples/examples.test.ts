import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { decodeJwt } from 'jose'
import { createTestIssuer } from 'portcullis/testing'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listenOnLoopback } from '../support/loopback-server.js'
import { runExample } from './run-example.js'

const root = resolve(import.meta.dirname, '../..')
const onBehalfOf = 'on-behalf-of.ts'
const examplesIn = (folder: string) =>
  readdirSync(resolve(root, 'examples', folder)).filter((name) => name.endsWith('.ts') && name !== onBehalfOf)
const examples = [
  ...examplesIn('.'),
  ...examplesIn('experimental-decorators').map((name) => `experimental-decorators/${name}`),
]
const issuer = createTestIssuer({ audience: 'https://api.example.com' })

beforeAll(() => issuer.listen())
afterAll(() => issuer.close())

describe.each(examples)('examples/%s', (name) => {
  it('[S3-06] [S3-23] [S4-15] [S4-16] tells a caller without a token where to find one, and serves the one with a token', async () => {
    const { origin, stop } = await runExample(name, issuer.issuer)
    try {
      const metadataUrl = 'https://api.example.com/.well-known/oauth-protected-resource'
      const refused = await request(origin).get('/me').expect(401)
      expect(refused.headers['www-authenticate']).toContain(`resource_metadata="${metadataUrl}"`)
      const { body } = await request(origin).get(new URL(metadataUrl).pathname).expect(200)
      expect(body.authorization_servers).toEqual([issuer.issuer])

      const token = issuer.mintToken({ sub: 'alice', scope: 'profile' })
      const ask = (path: string) => request(origin).get(path).auth(token, { type: 'bearer' })
      await ask('/me').expect(200, { subject: 'alice', scopes: ['profile'] })
      await ask('/hello').expect(200, { hello: 'alice' })
      await request(origin).get('/hello').expect(200, { hello: 'stranger' })
    } finally {
      await stop()
    }
  })
})

describe('examples/on-behalf-of.ts', () => {
  it('[S3-21] [TX-12] [S3-31] calls the other API for its user, with a token of its own for that', async () => {
    const received: (string | undefined)[] = []
    const calendar = await listenOnLoopback(({ url, headers }, response) => {
      received.push(url, headers.authorization)
      response.setHeader('content-type', 'application/json').end('["dentist"]')
    })
    const resource = `${calendar.origin}/v1/`
    const { origin, stop } = await runExample(onBehalfOf, issuer.issuer, resource)
    try {
      const token = issuer.mintToken({ sub: 'alice' })
      const ask = (as: string) => request(origin).get('/agenda').auth(as, { type: 'bearer' })
      await ask(token).expect(200, { user: 'alice', events: ['dentist'] })
      const [url, authorization = ''] = received
      expect(url).toBe('/v1/events?day=today')
      expect(authorization).not.toContain(token)
      expect(decodeJwt(authorization.slice('Bearer '.length))).toMatchObject({
        sub: 'alice',
        aud: resource,
        scope: 'events:read',
        act: { sub: 'test-client' },
      })
      await request(origin).get('/agenda').expect(401)
      issuer.override('token', { kind: 'down' })
      await ask(issuer.mintToken({ sub: 'bob' })).expect(503)
    } finally {
      issuer.restore()
      await stop()
      await calendar.close()
    }
  })
})
