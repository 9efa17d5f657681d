import { flattenedVerify, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import type { PublicJwk } from '../../src/jws/crypto/platform-crypto.js'
import { readPublicJwk } from '../../src/jws/jwk.js'
import { thumbprint } from '../../src/jws/thumbprint.js'
import { createProofSigner, dpopVerifier, refusalOf, sha256 } from '../support/proofs.js'
import { requestFacts } from '../support/request-facts.js'

const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
const accessToken = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
const issuedAt = 1562262618
const header =
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
const proof = `${header}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`
const tokenEndpointProof = `${header}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`

interface Attempt {
  readonly now?: number
  readonly method?: string
  readonly url?: string
  readonly token?: string
  readonly proof?: string
  readonly jkt?: string
}

function attempt(overrides: Attempt = {}, verifier = verifierAt(overrides.now ?? issuedAt)) {
  return verifier.verify({
    facts: requestFacts({
      method: overrides.method ?? 'GET',
      url: overrides.url ?? '/protectedresource',
      headers: { dpop: overrides.proof ?? proof },
    }),
    accessToken: overrides.token ?? accessToken,
    jkt: overrides.jkt ?? jkt,
    resource: 'https://resource.example.org',
  })
}

function verifierAt(seconds: number) {
  return dpopVerifier({ clock: () => seconds * 1000 })
}

describe('RFC 9449', () => {
  it('[V-03] [JOSE-17] gives the key of the examples the thumbprint of §6.1', async () => {
    const jwk = readPublicJwk({
      kty: 'EC',
      crv: 'P-256',
      x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
      y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
    })
    expect(await thumbprint(jwk as PublicJwk)).toBe(jkt)
  })

  it('[V-06] [DPOP-10] hashes the access token of figure 12 as the proof says', () => {
    expect(sha256(accessToken)).toBe('fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo')
  })

  it('[V-06] [DPOP-03] [DPOP-11] accepts the proof of figure 12 with its token, at its time', async () => {
    expect(await attempt()).toEqual({ jkt, responseHeaders: undefined })
  })

  it.each([issuedAt - 10, issuedAt, issuedAt + 60])(
    '[V-06] [C-09] [DPOP-09] [DPOP-16] accepts it at %d, within the window',
    async (now) => {
      expect(await attempt({ now })).toMatchObject({ jkt })
    },
  )

  it.each([
    ['[DPOP-05] for POST', { method: 'POST' }, 'ERR_PROOF_METHOD'],
    ['[DPOP-06] with a trailing slash', { url: '/protectedresource/' }, 'ERR_PROOF_TARGET'],
    ['[C-12] [DPOP-10] with another token', { token: 'another' }, 'ERR_PROOF_TOKEN_HASH'],
    ['[C-09] [DPOP-09] 61 s later', { now: issuedAt + 61 }, 'ERR_PROOF_TIME'],
    ['[C-09] [DPOP-16] 11 s earlier', { now: issuedAt - 11 }, 'ERR_PROOF_TIME'],
  ])('[V-06] [E-08] %s refuses it as invalid_dpop_proof', async (_, overrides, code) => {
    expect(await refusalOf(() => attempt(overrides))).toMatchObject({
      code,
      status: 401,
      oauthError: 'invalid_dpop_proof',
    })
  })

  it('[V-06] [DPOP-15] refuses its second use', async () => {
    const verifier = verifierAt(issuedAt)
    await attempt({}, verifier)
    expect(await refusalOf(() => attempt({}, verifier))).toMatchObject({
      code: 'ERR_PROOF_REPLAYED',
      oauthError: 'invalid_dpop_proof',
    })
  })

  it('[V-06] [DPOP-02] refuses a proof of the header typ JWT', async () => {
    const signer = await createProofSigner()
    const claims = { htu: 'https://resource.example.org/protectedresource', iat: issuedAt, ath: sha256(accessToken) }
    const good = await signer.sign({ claims })
    expect(await attempt({ proof: good, jkt: signer.jkt })).toMatchObject({ jkt: signer.jkt })
    const wrong = await signer.sign({ claims, header: { typ: 'JWT' } })
    expect(await refusalOf(() => attempt({ proof: wrong, jkt: signer.jkt }))).toMatchObject({
      code: 'ERR_PROOF_MALFORMED',
      detail: 'typ',
    })
  })

  it('[V-06] [DPOP-04] refuses the token-endpoint proof of figure 2, which has no ath', async () => {
    const [protectedHeader, payload, signature] = tokenEndpointProof.split('.') as [string, string, string]
    const jwk = JSON.parse(Buffer.from(protectedHeader, 'base64url').toString()).jwk
    const jws = { protected: protectedHeader, payload, signature }
    await expect(flattenedVerify(jws, await importJWK(jwk, 'ES256'))).resolves.toBeDefined()
    const overrides = { proof: tokenEndpointProof, method: 'POST', url: '/token', now: 1562262616 }
    expect(await refusalOf(() => attempt(overrides))).toMatchObject({ code: 'ERR_PROOF_CLAIM', detail: 'ath' })
  })

  it('[C-12] [DPOP-11] [E-10] answers another bound key with invalid_token, as in figure 16', async () => {
    const other = (await createProofSigner()).jkt
    expect(await refusalOf(() => attempt({ jkt: other }))).toMatchObject({
      code: 'ERR_TOKEN_BINDING_MISMATCH',
      status: 401,
      oauthError: 'invalid_token',
    })
  })
})
