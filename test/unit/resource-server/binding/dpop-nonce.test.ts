import { describe, expect, it, vi } from 'vitest'
import { createDpopNonces } from '../../../../src/resource-server/binding/dpop-nonce.js'

const secret = 'a secret of at least thirty-two bytes'
const other = 'another secret of thirty-two bytes or more'

function noncesAt(
  time: { seconds: number },
  secrets: readonly (string | Uint8Array)[] = [secret],
  maxAgeSeconds = 300,
) {
  return createDpopNonces({ secrets, maxAgeSeconds, clock: () => time.seconds * 1000 })
}

describe('createDpopNonces', () => {
  it('[DPOP-18] hands out nonces of the grammar of RFC 9449 §8.1', async () => {
    const nonce = await noncesAt({ seconds: 1_800_000_000 }).current()
    expect(nonce).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/)
  })

  it('[DPOP-21] hands out one nonce per tenth of the lifetime', async () => {
    const time = { seconds: 1_800_000_000 }
    const nonces = noncesAt(time)
    const first = await nonces.current()
    time.seconds += 29
    expect(await nonces.current()).toBe(first)
    time.seconds += 1
    expect(await nonces.current()).not.toBe(first)
  })

  it('[DPOP-18] [DPOP-21] accepts a nonce for its lifetime, through every rotation, and not a second longer', async () => {
    const time = { seconds: 1_800_000_000 }
    const nonces = noncesAt(time)
    const nonce = await nonces.current()
    for (const age of [0, 31, 150, 299]) {
      time.seconds = 1_800_000_000 + age
      expect(await nonces.isValid(nonce), `at ${age} s`).toBe(true)
    }
    time.seconds = 1_800_000_300
    expect(await nonces.isValid(nonce)).toBe(false)
    expect(nonces.lifetimeMs).toBeGreaterThanOrEqual(300_000)
  })

  it('[DPOP-21] accepts the nonce of an instance whose clock is one step ahead, and no further', async () => {
    const nonce = await noncesAt({ seconds: 1_800_000_030 }).current()
    expect(await noncesAt({ seconds: 1_800_000_000 }).isValid(nonce)).toBe(true)
    expect(await noncesAt({ seconds: 1_799_999_999 }).isValid(nonce)).toBe(false)
  })

  it('[DPOP-18] [DPOP-21] verifies with every secret and signs with the first, so that secrets can rotate', async () => {
    const time = { seconds: 1_800_000_000 }
    const before = noncesAt(time, [secret])
    const during = noncesAt(time, [other, secret])
    const after = noncesAt(time, [other])
    expect(await during.isValid(await before.current())).toBe(true)
    expect(await after.isValid(await during.current())).toBe(true)
    expect(await after.isValid(await before.current())).toBe(false)
  })

  it('[DPOP-21] agrees between instances of equal secrets, given as text or as bytes', async () => {
    const time = { seconds: 1_800_000_000 }
    const bytes = new TextEncoder().encode(secret)
    const instance = noncesAt(time, [bytes])
    bytes.fill(0)
    expect(await instance.current()).toBe(await noncesAt(time, [secret]).current())
  })

  it('[DPOP-18] refuses anything it did not hand out', async () => {
    const time = { seconds: 1_800_000_000 }
    const nonces = noncesAt(time)
    const nonce = await nonces.current()
    const [issued, mac] = nonce.split('.') as [string, string]
    const forged = [
      '',
      'nonce',
      mac,
      `${issued}.`,
      `0${nonce}`,
      `${nonce} `,
      nonce.toUpperCase(),
      `${(Number.parseInt(issued, 36) + 30).toString(36)}.${mac}`,
      `${issued}.${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`,
      `${issued}.${'A'.repeat(43)}`,
      'zzzzzzzzzzz.'.padEnd(55, 'A'),
    ]
    for (const text of forged) expect(await nonces.isValid(text), text).toBe(false)
    expect(await nonces.isValid(nonce)).toBe(true)
  })

  it('[DPOP-21] stays correct under a flood of invented times of issue', async () => {
    const time = { seconds: 1_800_000_000 }
    const nonces = noncesAt(time)
    const nonce = await nonces.current()
    for (let age = 0; age < 290; age++) {
      expect(await nonces.isValid(`${(1_800_000_000 - age).toString(36)}.${'A'.repeat(43)}`)).toBe(false)
    }
    expect(await nonces.isValid(nonce)).toBe(true)
  })

  it('[DPOP-21] keeps what it signed for 32 times of issue at most', async () => {
    const sizes: number[] = []
    const set = Map.prototype.set
    const watched = vi.spyOn(Map.prototype, 'set').mockImplementation(function (
      this: Map<unknown, unknown>,
      key,
      value,
    ) {
      set.call(this, key, value)
      if (typeof key === 'number') sizes.push(this.size)
      return this
    })
    try {
      const nonces = noncesAt({ seconds: 1_800_000_000 })
      for (let age = 0; age < 100; age++)
        await nonces.isValid(`${(1_800_000_000 - age).toString(36)}.${'A'.repeat(43)}`)
    } finally {
      watched.mockRestore()
    }
    expect(sizes).toHaveLength(100)
    expect(Math.max(...sizes)).toBe(32)
  })

  it('[DPOP-21] steps by whole seconds with the shortest lifetime', async () => {
    const time = { seconds: 1_800_000_000 }
    const nonces = noncesAt(time, [secret], 10)
    const nonce = await nonces.current()
    time.seconds += 9
    expect(await nonces.isValid(nonce)).toBe(true)
    time.seconds += 1
    expect(await nonces.isValid(nonce)).toBe(false)
  })
})
