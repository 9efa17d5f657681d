import { describe, expect, it } from 'vitest'
import { createAttackedServer } from '../support/attacked-server.js'

describe('unsigned tokens', () => {
  const names = ['none', 'None', 'NONE', 'noNE', 'nOnE', ' none', 'none ', 'none\0', '', 'null', 'undefined']

  it('[JOSE-06] [JWT-13] [AT-02] refuses alg none in every spelling, with and without a signature', async () => {
    const { issuer, call } = createAttackedServer()
    const [, , signature] = issuer.mintToken().split('.')
    for (const alg of [...names, null, 0, false, [], ['none'], undefined]) {
      const unsigned = issuer.mintToken({}, { header: { alg }, key: 'none' })
      expect(await call(unsigned), JSON.stringify(alg)).toBe('401 ERR_TOKEN_MALFORMED')
      for (const third of [signature, 'AA', 'AAAA', 'bm9uZQ']) {
        expect(await call(`${unsigned}${third}`), JSON.stringify(alg)).toBe('401 ERR_TOKEN_ALGORITHM')
      }
    }
  })

  it('[JOSE-06] refuses a good algorithm without a signature', async () => {
    const { issuer, call } = createAttackedServer()
    const [header, payload] = issuer.mintToken().split('.')
    for (const token of [`${header}.${payload}.`, `${header}.${payload}`, `${header}.${payload}..`]) {
      expect(await call(token)).toBe('401 ERR_TOKEN_MALFORMED')
    }
    for (const zeros of ['A'.repeat(86), 'AA', 'A'.repeat(4)]) {
      expect(await call(`${header}.${payload}.${zeros}`)).toBe('401 ERR_TOKEN_SIGNATURE')
    }
  })

  it('[JWT-13] has no switch that allows it', () => {
    for (const alg of names.slice(0, 5)) {
      expect(() =>
        createAttackedServer({ issuer: { issuer: 'https://issuer.test', algorithms: [alg as never] } }),
      ).toThrow(/asymmetric/)
    }
  })
})
