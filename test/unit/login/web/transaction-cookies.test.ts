import { describe, expect, it } from 'vitest'
import { freezeTransaction } from '../../../../src/login/transaction.js'
import { createTransactionCookies } from '../../../../src/login/web/transaction-cookies.js'
import { requestFacts } from '../../../support/request-facts.js'

const nowSeconds = 1_800_000_000
const key = (id: string) => ({ id, secret: new Uint8Array(32).fill(7) })
const transaction = (state: string, returnTo = '/', createdAt = nowSeconds) =>
  freezeTransaction({
    ...{ v: 1, id: 'id', provider: 'corporate', issuer: 'https://as.example', clientId: 'app', returnTo, createdAt },
    ...{ expiresAt: createdAt + 600, redirectUri: 'https://app.example/cb', scope: ['openid'], resource: [] },
    ...{ maxAgeSeconds: undefined, acrValues: undefined, state, nonce: 'n', codeVerifier: 'v' },
  })

/** A browser that sends its cookies in an order of its own. */
function browser(keyId = 'k1', clock = () => nowSeconds * 1000) {
  const cookies = createTransactionCookies([key(keyId)], true, clock)
  const jar = new Map<string, string>()
  const facts = () =>
    requestFacts({ headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') } })
  const keep = async (one: ReturnType<typeof transaction>, previous?: string) => {
    const lines = await cookies.keep(facts(), one, { sameSite: 'Lax', previous })
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*);/.exec(line) ?? []
      if (line.includes('Max-Age=0')) jar.delete(name)
      else jar.set(name, value)
    }
    return lines
  }
  const states = async (...asked: string[]) => {
    const found: string[] = []
    for (const state of asked) if ((await cookies.take(facts(), state))?.transaction !== undefined) found.push(state)
    return found
  }
  return { cookies, jar, facts, keep, states }
}

describe('the cookies of logins under way', () => {
  it('[A5] are taken away by name, whatever they were set with', async () => {
    const { cookies, jar, facts, keep } = browser()
    await keep(transaction('a'))
    const [name = ''] = jar.keys()
    const gone = [`${name}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax`]
    expect(cookies.clear(facts())).toEqual(gone)
    expect(await cookies.take(facts(), 'a')).toMatchObject({ cookies: gone, transaction: { returnTo: '/' } })
    expect(await cookies.take(facts(), 'b')).toBeUndefined()
  })

  it('[A5] make room by age, in whatever order a browser sends them', async () => {
    for (const order of [
      ['a', 'b', 'c'],
      ['b', 'c', 'a'],
      ['c', 'a', 'b'],
      ['c', 'b', 'a'],
    ]) {
      const { jar, keep, states } = browser()
      const ages: Record<string, number> = { a: -30, b: -20, c: -10 }
      for (const state of ['a', 'b', 'c']) await keep(transaction(state, '/', nowSeconds + (ages[state] as number)))
      const names = [...jar.entries()]
      jar.clear()
      for (const state of order) jar.set(...(names['abc'.indexOf(state)] as [string, string]))
      await keep(transaction('d'))
      expect([order, await states('a', 'b', 'c', 'd')]).toEqual([order, ['b', 'c', 'd']])
    }
  })

  it('[A5] make room in the second in which they end', async () => {
    let nowMs = nowSeconds * 1000
    const { keep, states } = browser('k1', () => nowMs)
    await keep(transaction('a'))
    nowMs += 599_999
    await keep(transaction('b', '/', nowSeconds + 599))
    expect(await states('a', 'b')).toEqual(['a', 'b'])
    nowMs += 1
    await keep(transaction('c', '/', nowSeconds + 600))
    expect(await states('a', 'b', 'c')).toEqual(['b', 'c'])
  })

  it('[A5] are 4,096 bytes long at most, attributes included, and 6,144 together', async () => {
    const lengths: number[] = []
    const together: number[] = []
    // A character more makes one or two more of the sealed form, so that not every length can be.
    for (const keyId of ['k', 'k1', 'k12', 'k123']) {
      for (let more = 0; more < 30; more += 1) {
        const { cookies, facts, keep, jar } = browser(keyId)
        const [line = ''] = await keep(transaction('a', `/${'a'.repeat(2695 + more)}`))
        if ((await cookies.take(facts(), 'a'))?.transaction?.returnTo !== undefined) lengths.push(line.length)
        jar.clear()
        await keep(transaction('a', `/${'a'.repeat(2600)}`))
        const [[name, value] = ['', '']] = jar
        const lines = await keep(transaction('b', `/${'b'.repeat(1305 + more)}`))
        if (lines.length === 1) together.push(name.length + value.length + (lines[0] as string).length)
      }
    }
    expect([Math.max(...lengths), Math.max(...together)]).toEqual([4096, 6144])
  })

  it('[A5] go without the page to return to, then without the session before, where they would be too long', async () => {
    const { cookies, facts, keep, jar } = browser()
    const whole = '/'.repeat(2048)
    for (const [returnTo, previous, kept] of [
      ['/me', 'a note', ['/me', 'a note']],
      [whole, 'x'.repeat(43), [whole, 'x'.repeat(43)]],
      [whole, 'x'.repeat(2000), [undefined, 'x'.repeat(2000)]],
      [whole, 'x'.repeat(4000), [undefined, undefined]],
      ['/me', undefined, ['/me', undefined]],
    ] as const) {
      const [line = ''] = await keep(transaction('a', returnTo), previous)
      const taken = await cookies.take(facts(), 'a')
      expect([taken?.transaction?.returnTo, taken?.previous]).toEqual(kept)
      expect(line.length).toBeLessThanOrEqual(4096)
      jar.clear()
    }
  })
})
