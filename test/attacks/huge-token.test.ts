import { requestFacts, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createAttackedServer, resource } from '../support/attacked-server.js'

describe('huge tokens', () => {
  it('[JWT-11] are refused above 16 KiB, before any key is asked for', async () => {
    const { issuer, call, fetched } = createAttackedServer()
    const sized = (length: number) => {
      const bare = issuer.mintToken({ pad: '' }).length
      return issuer.mintToken({ pad: 'x'.repeat(Math.floor(((length - bare) * 3) / 4) - 2) })
    }
    const [fits, tooLarge] = [sized(16_384), sized(16_500)]
    expect(fits.length).toBeGreaterThan(16_370)
    expect(fits.length).toBeLessThanOrEqual(16_384)
    expect(await call(tooLarge)).toBe('401 ERR_TOKEN_TOO_LARGE')
    expect(fetched).toEqual([])
    expect(await call(fits)).toBe('ok')
  })

  it('[JWT-11] are refused for a header above 8 KiB', async () => {
    const { issuer, call } = createAttackedServer()
    expect(await call(issuer.mintToken({}, { header: { pad: 'x'.repeat(8192) } }))).toBe('401 ERR_TOKEN_MALFORMED')
    expect(await call(issuer.mintToken({}, { header: { pad: 'x'.repeat(7000) } }))).toBe('ok')
  })

  it('[ADP-08] of many megabytes are refused in no time, wherever they come', async () => {
    const { call, server } = createAttackedServer({
      resource: { resource, bearerMethods: ['header', 'body', 'query'] },
    })
    const before = process.cpuUsage()
    for (const huge of ['a', '.', 'a.', '=', ' ', ',', '\0', '\ud800'].map((text) => text.repeat(5_000_000))) {
      expect(await call(huge)).toMatch(/^40[01] /)
      const query = await server.authenticate(requestFacts({ url: `/?access_token=${huge}` }))
      expect(query.ok).toBe(false)
      const body = await server.authenticate(
        requestFacts({
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          formBody: { access_token: huge },
        }),
      )
      expect(body.ok).toBe(false)
      const scheme = await server.authenticate(requestFacts({ headers: { authorization: huge } }))
      expect(scheme.ok).toBe(false)
    }
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(15_000)
  })

  it('[ADP-08] with very many scopes, audiences or roles cost no more than their length', async () => {
    const { issuer, call } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    const many = Array.from({ length: 1000 }, (_, index) => `s${index}`)
    for (const claims of [
      { scope: many.join(' ') },
      { roles: many },
      { aud: [...many, resource] },
      { scope: ' '.repeat(10_000) },
    ]) {
      expect(await call(signCompact({ header, payload: { ...payload, ...claims }, key }))).toBe('ok')
    }
  })
})
