import { deepJson, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createAttackedServer } from '../support/attacked-server.js'

describe('JSON nested deeply', () => {
  it('[JWT-11] [ADP-08] is refused above 32 levels, before any key is asked for', async () => {
    const { issuer, call, fetched } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    const withClaim = (json: string) =>
      signCompact({ header, payload: `${JSON.stringify(payload).slice(0, -1)},"deep":${json}}`, key })
    for (const depth of [32, 33, 100, 1000, 1500]) {
      expect(await call(withClaim(deepJson(depth))), String(depth)).toBe('401 ERR_TOKEN_MALFORMED')
      expect(await call(withClaim('['.repeat(depth) + ']'.repeat(depth))), String(depth)).toBe(
        '401 ERR_TOKEN_MALFORMED',
      )
    }
    expect(fetched).toEqual([])
    expect(await call(withClaim(deepJson(31)))).toBe('ok')
  })

  it('[JWT-11] is refused in a header as well', async () => {
    const { issuer, call } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    const text = `${JSON.stringify(header).slice(0, -1)},"deep":${deepJson(40)}}`
    expect(await call(signCompact({ header: text, payload, key }))).toBe('401 ERR_TOKEN_MALFORMED')
  })

  it('[TX-11] is refused above 8 actors', async () => {
    const { issuer, call } = createAttackedServer()
    const chain = (length: number): object => (length === 1 ? { sub: 'a' } : { sub: 'a', act: chain(length - 1) })
    expect(await call(issuer.mintToken({ act: chain(8) }))).toBe('ok')
    expect(await call(issuer.mintToken({ act: chain(9) }))).toBe('401 ERR_TOKEN_CLAIM_INVALID')
  })
})
