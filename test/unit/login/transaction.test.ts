import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { openTransaction, sealTransaction } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { createSealer } from '../../../src/stores/sealer.js'
import { setUpProvider } from '../../support/provider-set-up.js'

const ring = [{ id: 'a', secret: randomBytes(32) }]
const newer = [{ id: 'b', secret: randomBytes(32) }, ...ring]

describe('a transaction', () => {
  it('[AZ-02] [S1-11] comes back from its seal whole, frozen, its secrets hidden', async () => {
    const { begin, provider, back, issue } = setUpProvider()
    const request = await begin({ returnTo: '/x', acrValues: ['urn:a'], resource: 'https://api.example/' })
    const { transaction } = request
    const sealed = await sealTransaction(transaction, ring, 'cookie-1')
    for (const secret of [transaction.state, transaction.nonce, transaction.codeVerifier]) {
      expect(sealed).not.toContain(secret)
      expect(inspect(transaction, { showHidden: true }) + JSON.stringify(transaction)).not.toContain(secret)
    }
    const opened = await openTransaction(sealed, newer, 'cookie-1')
    expect(opened).toEqual(transaction)
    const { state, nonce, codeVerifier } = opened ?? {}
    expect({ state, nonce, codeVerifier }).toEqual({
      state: transaction.state,
      nonce: transaction.nonce,
      codeVerifier: transaction.codeVerifier,
    })
    for (const value of [opened, opened?.scope, opened?.resource, opened?.acrValues])
      expect(Object.isFrozen(value)).toBe(true)
    issue(request, { acr: 'urn:a' })
    expect((await provider.redeem(back(request), opened as never)).account.subject).toBe('alice')
  })

  it('[SEC-07] opens nowhere but at its place, with no other key, and never when it was altered', async () => {
    const { transaction } = await setUpProvider().begin()
    const sealed = await sealTransaction(transaction, ring, 'cookie-1')
    expect(await openTransaction(sealed, ring, 'cookie-2')).toBeUndefined()
    expect(await openTransaction(sealed, [{ id: 'a', secret: randomBytes(32) }], 'cookie-1')).toBeUndefined()
    const end = sealed.endsWith('AA') ? 'BB' : 'AA'
    expect(await openTransaction(sealed.slice(0, -2) + end, ring, 'cookie-1')).toBeUndefined()
    expect(await openTransaction('', ring, 'cookie-1')).toBeUndefined()
    await expect(sealTransaction(transaction, [], 'x')).rejects.toThrow('keys')
  })

  it('is nothing else that was sealed', async () => {
    const { transaction } = await setUpProvider().begin()
    const sealer = createSealer(ring)
    const { state, nonce, codeVerifier } = transaction
    const whole = { ...transaction, state, nonce, codeVerifier }
    const open = async (value: unknown) =>
      openTransaction(await sealer.seal(JSON.stringify(value), 'login-transaction:c'), ring, 'c')
    expect(await open(whole)).toEqual(transaction)
    const wrong = [
      [],
      7,
      {},
      { ...whole, v: 2 },
      { ...whole, state: '' },
      { ...whole, id: 7 },
      { ...whole, scope: 'openid' },
      { ...whole, expiresAt: null },
    ]
    for (const value of wrong) expect(await open(value), JSON.stringify(value)).toBeUndefined()
  })
})
