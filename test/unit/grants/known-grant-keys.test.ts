import { describe, expect, it, vi } from 'vitest'
import { passage } from '../../../src/auth/auth.js'
import type { GrantClient } from '../../../src/grants/exchange.js'
import { toGrantSettings } from '../../../src/grants/grant.js'
import { grantKey } from '../../../src/grants/grant-key.js'
import { calendar, caller } from '../../support/grants-set-up.js'

const { made } = vi.hoisted(() => ({ made: { hashes: 0 } }))
vi.mock('../../../src/jws/crypto/node.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/jws/crypto/node.js')>()
  const sha256Base64url = (text: string) => {
    made.hashes += 1
    return original.sha256Base64url(text)
  }
  return { ...original, sha256Base64url }
})

/** How many hashes it takes to get the keys of callers with these numbers. */
async function hashesFor(numbers: readonly number[]): Promise<number> {
  made.hashes = 0
  for (const number of numbers) {
    const auth = caller('alice-token')
    auth[passage].tokenHash = `hash-${number}`
    await grantKey({ auth, grant, client, actor: undefined })
  }
  return made.hashes
}

const grant = toGrantSettings(calendar)
const client = { issuer: 'https://as.example', clientId: 'gateway' } as GrantClient

describe('the known keys of a grant', () => {
  it('are those of 1,000 callers at most, and are made without a hash for each of them', async () => {
    const thousand = Array.from({ length: 1000 }, (_, index) => index)
    expect(await hashesFor(thousand)).toBe(1000)
    expect(await hashesFor(thousand)).toBe(0)
    expect(await hashesFor([1000])).toBe(1)
    expect(await hashesFor([0, 1000, 0])).toBe(1)
  })
})
