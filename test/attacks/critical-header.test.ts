import { signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createAttackedServer } from '../support/attacked-server.js'

describe('crit and b64', () => {
  it('[JOSE-03] refuses every crit under a good signature, whatever it names', async () => {
    const { issuer, call } = createAttackedServer()
    const crits = [
      ['exp'],
      ['b64'],
      ['alg'],
      ['kid', 'kid'],
      ['missing'],
      ['http://example.com/UNDEFINED'],
      [''],
      [],
      {},
      'exp',
      null,
      true,
      1,
      [1],
      [['exp']],
    ]
    for (const crit of crits) {
      const token = issuer.mintToken({}, { header: { crit, exp: 1, 'http://example.com/UNDEFINED': true } })
      expect(await call(token), JSON.stringify(crit)).toBe('401 ERR_TOKEN_CRITICAL_HEADER')
    }
  })

  it('[JOSE-04] refuses b64 under a good signature, with and without crit', async () => {
    const { issuer, call } = createAttackedServer()
    for (const b64 of [false, true, 0, 'false', null]) {
      for (const crit of [undefined, ['b64']]) {
        const header = { b64, ...(crit === undefined ? {} : { crit }) }
        expect(await call(issuer.mintToken({}, { header }))).toBe('401 ERR_TOKEN_CRITICAL_HEADER')
      }
    }
  })

  it('[JOSE-04] refuses an unencoded payload', async () => {
    const { issuer, call } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    const [head, , signature] = signCompact({ header: { ...header, b64: false, crit: ['b64'] }, payload, key }).split(
      '.',
    )
    expect(await call(`${head}.${JSON.stringify(payload)}.${signature}`)).toBe('400 ERR_REQUEST_MALFORMED')
  })

  it('[JOSE-03] refuses them under a header that is known already but for them', async () => {
    const { issuer, call } = createAttackedServer()
    expect(await call(issuer.mintToken())).toBe('ok')
    expect(await call(issuer.mintToken({}, { header: { crit: ['exp'] } }))).toBe('401 ERR_TOKEN_CRITICAL_HEADER')
    expect(await call(issuer.mintToken())).toBe('ok')
  })
})
