import { createDpopClient } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { readPublicJwk } from '../../src/jws/jwk.js'
import { createAttackedServer, resource } from '../support/attacked-server.js'

/** All points of order 1, 2, 4 and 8, and the other encodings of some; y alone, little-endian. */
const points = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].flatMap((hex) => [hex, withSign(hex)])

function withSign(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  bytes[31] = (bytes[31] as number) | 0x80
  return bytes.toString('hex')
}

const toJwk = (hex: string) => ({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(hex, 'hex').toString('base64url') })

/** R is the neutral point and S is zero: good for every text under a key of order 1, for one in eight under the others. */
const nobodysSignature = Buffer.concat([Buffer.from(points[0] as string, 'hex'), Buffer.alloc(32)])

describe('Ed25519 keys that are no secret of anybody', () => {
  it.each(points)('[JOSE-13] [JOSE-16] are no keys: %s', (hex) => {
    expect(readPublicJwk(toJwk(hex))).toEqual({ code: 'weak_point', reason: 'x is a point that anybody can sign for' })
  })

  it('[JOSE-13] are told from the points next to them', () => {
    for (const hex of ['02', '03', 'eb', 'c8'].map((byte) => byte.padEnd(64, '0'))) {
      expect(readPublicJwk(toJwk(hex))).toMatchObject({ kty: 'OKP' })
    }
    expect(readPublicJwk(toJwk(`ebff${'ff'.repeat(29)}7f`))).toMatchObject({ kty: 'OKP' })
    expect(readPublicJwk(toJwk(`edff${'ff'.repeat(29)}7e`))).toMatchObject({ kty: 'OKP' })
  })

  it('[DPOP-02] [DPOP-03] prove no possession', async () => {
    const { issuer, server, clock } = createAttackedServer()
    const client = createDpopClient({ clock: clock.now, algorithm: 'EdDSA' })
    const accessToken = issuer.mintToken({ cnf: { jkt: 'AAAA' } })
    const outcomes = new Set<string>()
    for (let nth = 0; nth < 4; nth++) {
      const jwk = toJwk(points[nth % 2] as string)
      const signed = client.proof({ url: `${resource}/`, accessToken, header: { jwk } })
      const forged = signed.slice(0, signed.lastIndexOf('.') + 1) + nobodysSignature.toString('base64url')
      const fields: Record<string, string> = { authorization: `DPoP ${accessToken}`, dpop: forged }
      const headerValues = (name: string) => (fields[name] === undefined ? [] : [fields[name]])
      const result = await server.authenticate({ method: 'GET', url: '/', headerValues })
      outcomes.add(result.ok ? 'ok' : result.error.code)
    }
    expect([...outcomes]).toEqual(['ERR_PROOF_KEY'])
  })
})
