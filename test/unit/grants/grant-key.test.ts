import { describe, expect, it } from 'vitest'
import { passage } from '../../../src/auth/auth.js'
import type { ExchangeRequest, GrantClient } from '../../../src/grants/exchange.js'
import { toGrantSettings } from '../../../src/grants/grant.js'
import { grantKey } from '../../../src/grants/grant-key.js'
import { sha256Base64url } from '../../../src/jws/crypto/node.js'
import { calendar, caller } from '../../support/grants-set-up.js'

const grant = toGrantSettings(calendar)
const client = { issuer: 'https://as.example', clientId: 'gateway' } as GrantClient

/** A caller whose token was hashed at the gate, as every one of a request is. */
function requestOf(tokenHash: string, issuer?: string, more: Partial<ExchangeRequest> = {}): ExchangeRequest {
  const auth = caller('alice-token', issuer === undefined ? {} : { issuer })
  auth[passage].tokenHash = tokenHash
  return { auth, grant, client, actor: undefined, ...more }
}

describe('grantKey', () => {
  it('is the same for the same token, and another one for each other token', () => {
    const hashes = Array.from({ length: 1002 }, (_, index) => `hash-${index}`)
    const keys = hashes.map((hash) => grantKey(requestOf(hash)))
    expect(new Set(keys).size).toBe(hashes.length)
    expect(hashes.map((hash) => grantKey(requestOf(hash)))).toEqual(keys)
  })

  it('is the same for a grant declared alike, and where the token was not hashed before', () => {
    const known = grantKey(requestOf('a'))
    expect(grantKey(requestOf('a', undefined, { grant: toGrantSettings(calendar) }))).toBe(known)
    const unhashed = { auth: caller('alice-token'), grant, client, actor: undefined }
    expect(grantKey(unhashed)).toBe(grantKey(requestOf(sha256Base64url('alice-token'))))
  })

  it('is of one issuer alone, also where another one has a token of the same hash', () => {
    const first = grantKey(requestOf('same', 'https://one.example'))
    const second = grantKey(requestOf('same', 'https://two.example'))
    expect(second).not.toBe(first)
    expect(grantKey(requestOf('same', 'https://one.example'))).toBe(first)
  })

  it('is of one actor and one proof key, which are never left out because it was made without them before', async () => {
    const bare = grantKey(requestOf('same'))
    const actor = { token: 'robot', type: 'urn:ietf:params:oauth:token-type:jwt' }
    const dpop = { thumbprint: async () => 'jkt', proof: async () => 'proof' }
    const acting = grantKey(requestOf('same', undefined, { actor }))
    const bound = await grantKey(requestOf('same', undefined, { client: { ...client, dpop } }))
    expect(new Set([bare, acting, bound]).size).toBe(3)
    expect(grantKey(requestOf('same'))).toBe(bare)
  })

  it('is of one client identifier, also where the client got another one since', () => {
    const before = grantKey(requestOf('same'))
    const renamed = { ...client }
    expect(grantKey(requestOf('same', undefined, { client: renamed }))).toBe(before)
    Object.assign(renamed, { clientId: 'registered' })
    expect(grantKey(requestOf('same', undefined, { client: renamed }))).not.toBe(before)
  })
})
