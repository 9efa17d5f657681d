import express from 'express'
import { createResourceServer, type ResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'
import { createFrozenClock, createTestIssuer, tamperWith } from 'portcullis/testing'
import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { read } from './markdown.js'

/** The application of docs/testing.md. */
function createApp(server: ResourceServer) {
  const { metadata, requireToken } = portcullis(server)
  const app = express()
  app.use(metadata())
  app.get('/me', requireToken({ scope: 'profile' }), (req, res) => {
    res.json({ subject: req.auth.subject })
  })
  return app
}

describe('docs/testing.md', () => {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now })
  const settings = { resource: 'https://api.example.com', issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now }

  it('is a page, and each member of the issuer stands on it', () => {
    const page = read('docs/testing.md')
    const missing = Object.keys(issuer).filter((member) => !page.includes(`\`${member}`))
    expect(missing).toEqual([])
  })

  it('gets the answers it promises from its first test', async () => {
    const app = createApp(createResourceServer(settings))
    const refused = await request(app).get('/me').expect(401)
    expect(refused.headers['www-authenticate']).toContain('resource_metadata=')
    const token = issuer.mintToken({ sub: 'alice', scope: 'profile' })
    await request(app).get('/me').auth(token, { type: 'bearer' }).expect(200, { subject: 'alice' })
    await request(app).get('/me').auth(issuer.mintToken(), { type: 'bearer' }).expect(403)
    await request(app).get('/me').auth(tamperWith(token, 'payload'), { type: 'bearer' }).expect(401)
  })

  it('gets the errors it promises from failing endpoints, and from time', async () => {
    const server = createResourceServer(settings)
    issuer.override('jwks', { kind: 'down' }, { times: 1 })
    await expect(server.verify(issuer.mintToken())).rejects.toMatchObject({ status: 503 })
    clock.advance(60_000)
    const token = issuer.mintToken()
    const hold = issuer.hold('jwks')
    const verified = server.verify(token)
    await hold.arrived
    hold.release()
    expect((await verified).subject).toBe('user-1')
    clock.advance(3_600_000)
    await expect(server.verify(token)).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' })
  })
})
