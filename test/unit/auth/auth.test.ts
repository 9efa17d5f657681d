import { format, inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Auth, authIn, earlierIn, Passage, passage, setAuth, type VerifiedToken } from '../../../src/auth/auth.js'

const token = 'raw.access.token'
const confirmation = { jkt: 'thumbprint' }
const verified: VerifiedToken = {
  issuer: 'https://login.example.com',
  subject: 'user-1',
  clientId: 'client-1',
  scopes: ['read', 'files:write'],
  roles: ['admin'],
  tenant: 'tenant-1',
  claims: { sub: 'user-1' },
  expiresAt: 1_700_000_000,
  confirmation,
  actor: { sub: 'service-1' },
  isClientToken: false,
}
const auth = new Auth(token, 'DPoP', 'https://api.example.com', verified, confirmation)

describe('Auth', () => {
  it('[S4-07] carries what verification found out, the scheme and the resource', () => {
    expect({ ...auth }).toEqual({ ...verified, scheme: 'DPoP', resource: 'https://api.example.com' })
  })

  it('[REAL-31] hands on whether a user stands behind the token, and that nobody knows', () => {
    const isClientToken = (told: boolean | undefined) =>
      new Auth(token, 'Bearer', 'https://api.example.com', { ...verified, isClientToken: told }, undefined)
        .isClientToken
    expect([true, false, undefined].map(isClientToken)).toEqual([true, false, undefined])
  })

  it('gives the raw token to whoever asks for it by name', () => {
    expect(auth.token).toBe(token)
  })

  it('[C-30] shows the raw token in no listing, log line, JSON text or copy', () => {
    const views = [
      inspect(auth, { showHidden: true, depth: Number.POSITIVE_INFINITY }),
      inspect({ auth }),
      format('%o %O %j %s', auth, auth, auth, auth),
      JSON.stringify(auth),
      JSON.stringify(Object.entries(auth)),
      JSON.stringify({ ...auth }),
      Object.getOwnPropertyNames(auth).join(),
      JSON.stringify(structuredClone({ ...auth })),
    ]
    for (const view of views) {
      expect(view.length).toBeGreaterThan(0)
      expect(view).not.toContain(token)
    }
  })

  it('carries the confirmation that was checked, not the one the token claims', () => {
    expect(new Auth(token, 'Bearer', 'https://api.example.com', verified, undefined).confirmation).toBeUndefined()
  })

  it('cannot be changed after verification', () => {
    expect(Object.isFrozen(auth)).toBe(true)
    expect(() => Object.assign(auth, { subject: 'somebody-else' })).toThrow(TypeError)
    expect(() => Object.assign(auth, { token: 'another' })).toThrow(TypeError)
    expect(auth.subject).toBe('user-1')
  })

  it('[BEAR-13] compares scopes exactly: no prefix, no substring, no other case', () => {
    expect(auth.hasScope('read')).toBe(true)
    for (const scope of ['rea', 'reader', 'Read', 'files', 'read files:write', '']) {
      expect(auth.hasScope(scope), scope).toBe(false)
    }
  })
})

describe('a passage', () => {
  it('[S4-49] has one random id for all guards of a request, and one of its own without a request', () => {
    const [request, other] = [{}, {}]
    const id = new Passage(request).correlationId
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(new Passage(request).correlationId).toBe(id)
    const own = new Passage()
    expect(own.correlationId).toBe(own.correlationId)
    expect(new Set([id, new Passage(other).correlationId, own.correlationId, new Passage().correlationId]).size).toBe(4)
    expect([new Passage(request).request, own.request]).toEqual([request, undefined])
  })

  it('[S4-49] goes with every copy of its auth', () => {
    const its = new Passage()
    const first = new Auth(token, 'DPoP', 'https://api.example.com', verified, confirmation, undefined, its)
    const copy = first.withAccess(first.access)
    expect([first[passage], copy[passage]]).toEqual([its, its])
    expect([copy.correlationId, copy.token, copy.scheme, copy.resource]).toEqual([
      ...[its.correlationId, token, 'DPoP', 'https://api.example.com'],
    ])
    expect({ ...copy }).toEqual({ ...first })
  })
})

describe('the auth of a request', () => {
  it('can be read and listed, and is replaced by a later guard alone', () => {
    const target: { auth?: unknown } = {}
    setAuth(target, auth)
    expect([target.auth, earlierIn(target), authIn(target)]).toEqual([auth, auth, auth])
    expect(Object.keys(target)).toEqual(['auth'])
    expect(() => Object.assign(target, { auth: 'another' })).toThrow(TypeError)
    setAuth(target, 'of the framework')
    expect([earlierIn(target), authIn(target), authIn({})]).toEqual(['of the framework', undefined, undefined])
  })
})
