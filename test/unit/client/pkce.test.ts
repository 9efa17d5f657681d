import { createPkcePair, PkceError, pkceChallenge } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../support/client-set-up.js'

describe('PKCE', () => {
  it('[PKCE-01] [V-04] [S0-63] gives the published challenge for the published verifier', async () => {
    expect(await pkceChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    )
  })

  it('[PKCE-01] [S2-48] [S2-49] makes fresh pairs of 32 random bytes, S256 only', async () => {
    const { client } = setUpClient()
    const [one, two] = await Promise.all([createPkcePair(), client.createPkcePair()])
    expect(one.verifier).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(one.verifier).not.toBe(two.verifier)
    expect(one).toMatchObject({ method: 'S256', challenge: await pkceChallenge(one.verifier) })
  })

  it.each(['short', 'a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(43)}+`])(
    '[PKCE-01] [S4-33] refuses the verifier %s',
    async (verifier) => {
      const error = await rejection(pkceChallenge(verifier))
      expect(error).toBeInstanceOf(PkceError)
      expect(error).toMatchObject({ code: 'ERR_PKCE_VERIFIER', category: 'pkce' })
    },
  )
})
