import { describe, expect, it } from 'vitest'
import { createAttackedServer } from '../support/attacked-server.js'

const odd: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1.5,
  '',
  ' ',
  [],
  [null],
  ['a', 1],
  {},
  { a: 1 },
  [['a']],
  { toString: 'x' },
  { length: 1, 0: 'a' },
]
const registered = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scope',
  'roles',
  'cnf',
  'act',
  'may_act',
  'authorization_details',
  'acr',
  'amr',
  'auth_time',
  'groups',
  'entitlements',
  'sid',
]

describe('games with the types of claims', () => {
  it('[ADP-08] any claim of any type is accepted or refused, and nothing throws', async () => {
    const { issuer, call } = createAttackedServer()
    for (const name of registered) {
      for (const value of odd) {
        expect(await call(issuer.mintToken({ [name]: value })), `${name} ${JSON.stringify(value)}`).toMatch(
          /^(ok|401 ERR_TOKEN_[A-Z_]+)$/,
        )
      }
    }
  })

  it('no odd value of sub, client_id or jti becomes an identity', async () => {
    const { issuer, call } = createAttackedServer()
    for (const name of ['sub', 'client_id', 'jti']) {
      for (const value of odd.filter((one) => one !== ' ')) {
        expect(await call(issuer.mintToken({ [name]: value })), `${name} ${JSON.stringify(value)}`).toMatch(
          /^401 ERR_TOKEN_CLAIM_(INVALID|MISSING)$/,
        )
      }
    }
  })

  it('[BEAR-13] no odd value of scope grants one', async () => {
    const { issuer, admit, call } = createAttackedServer()
    for (const scope of [null, '', ' ', []]) expect((await admit(issuer.mintToken({ scope }))).scopes).toEqual([])
    for (const scope of [true, 0, {}, [['read']], ['read', 1], [null]]) {
      expect(await call(issuer.mintToken({ scope })), JSON.stringify(scope)).toBe('401 ERR_TOKEN_CLAIM_INVALID')
    }
    expect((await admit(issuer.mintToken({ scope: ['read write'] }))).scopes).toEqual(['read write'])
    const { scopes } = await admit(issuer.mintToken({ scope: 'a\tb c\nd "e" \u00a0' }))
    expect(scopes).toEqual(['a\tb', 'c\nd', '"e"', '\u00a0'])
  })

  it('a cnf that is no object never counts as no binding', async () => {
    const { issuer, call } = createAttackedServer()
    for (const cnf of [
      null,
      '',
      'jkt',
      [],
      true,
      0,
      {},
      { jkt: 1 },
      { jkt: null },
      { 'x5t#S256': [] },
      { kid: 'a' },
      { __proto__: null, jwk: {} },
    ]) {
      expect(await call(issuer.mintToken({ cnf })), JSON.stringify(cnf)).toMatch(/^401 ERR_TOKEN_/)
    }
  })

  it('[RAR-02] authorization_details of another shape are refused', async () => {
    const { issuer, call } = createAttackedServer()
    for (const details of odd.filter((one) => JSON.stringify(one) !== '[]')) {
      expect(await call(issuer.mintToken({ authorization_details: details })), JSON.stringify(details)).toBe(
        '401 ERR_TOKEN_CLAIM_INVALID',
      )
    }
  })
})
