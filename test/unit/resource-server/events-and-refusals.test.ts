import { createResourceServer, InvalidTokenError, type PortcullisEvent, UnavailableError } from 'portcullis'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { introspectingServer } from '../../support/introspecting-server.js'

const issuer = createTestIssuer({ audience: 'https://api.test/b' })
const events: PortcullisEvent[] = []
const server = createResourceServer({
  resource: ['https://api.test/a', 'https://api.test/b'],
  issuer: issuer.issuer,
  fetch: issuer.fetch,
  authorizationServerMetadata: 'pass-through',
  onEvent: (event) => events.push(event),
})

describe('refuse', () => {
  it('answers for the resource the request was let through for', async () => {
    const auth = await server.verify(issuer.mintToken(), { resource: 'https://api.test/b' })
    const { answer, error } = server.refuse(new InvalidTokenError('ERR_TOKEN_REVOKED'), auth)
    expect(error.code).toBe('ERR_TOKEN_REVOKED')
    expect(String(answer.headers['WWW-Authenticate'])).toContain('oauth-protected-resource/b"')
  })

  it('[E-14] answers anything that is no refusal by 500 with an empty body', () => {
    for (const thrown of [new Error('secret'), 'secret', undefined, null, { status: 401 }]) {
      expect(server.refuse(thrown).answer).toMatchObject({ status: 500, body: '' })
    }
    expect(server.refuse(new UnavailableError('ERR_GRANT_UNAVAILABLE')).answer.status).toBe(503)
  })

  it('reports a refusal once, however often it is answered', () => {
    const before = events.length
    const { error } = server.refuse(new InvalidTokenError('ERR_TOKEN_REVOKED'))
    server.refuse(error)
    expect(events.length - before).toBe(1)
  })
})

describe('events', () => {
  it('report every refusal of a token that the issuer called inactive, remembered or not', async () => {
    const { call, events: seen } = introspectingServer()
    for (let times = 1; times <= 3; times++) {
      await call('inactive')
      expect(seen.filter(({ type }) => type === 'auth.refused')).toHaveLength(times)
    }
  })
})

describe('the metadata of the authorization server', () => {
  it('is passed through from the issuer', async () => {
    const answer = await server.metadata(requestFacts({ url: '/.well-known/oauth-authorization-server' }))
    expect(answer?.status).toBe(200)
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ issuer: issuer.issuer })
  })

  it('cannot be passed through where a function gives the issuers', () => {
    const options = { resource: 'https://api.test', issuer: () => ({}), tenants: [issuer.issuer] }
    expect(() => createResourceServer({ ...options, authorizationServerMetadata: 'pass-through' })).toThrow(
      /`pass-through` needs an issuer that is listed/,
    )
  })
})
