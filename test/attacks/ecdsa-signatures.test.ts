import { sign } from 'node:crypto'
import { createSigningKey, type SigningKey } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createAttackedServer } from '../support/attacked-server.js'

const algorithms = ['ES256', 'ES384', 'ES512'] as const
const width = { ES256: 32, ES384: 48, ES512: 66 }
const digest = { ES256: 'sha256', ES384: 'sha384', ES512: 'sha512' }
const order = {
  ES256: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  ES384: 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ES512: `01ff${'ff'.repeat(31)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
}

describe('ECDSA signatures', () => {
  it.each(algorithms)('[JOSE-12] of %s are refused in any form but R and S of full width', async (algorithm) => {
    const { issuer, call } = createAttackedServer({}, { algorithms: [algorithm] })
    const token = issuer.mintToken()
    const input = token.slice(0, token.lastIndexOf('.'))
    const raw = Buffer.from(token.slice(input.length + 1), 'base64url')
    expect(await call(token)).toBe('ok')
    const zero = Buffer.alloc(width[algorithm])
    const n = Buffer.from(order[algorithm], 'hex')
    const [r, s] = [raw.subarray(0, width[algorithm]), raw.subarray(width[algorithm])]
    const wrong = {
      'all zero': Buffer.alloc(raw.length),
      'r zero': Buffer.concat([zero, s]),
      's zero': Buffer.concat([r, zero]),
      'r and s of the group order': Buffer.concat([n, n]),
      'r zero and s of the group order': Buffer.concat([zero, n]),
      'all ones': Buffer.alloc(raw.length, 0xff),
      'swapped halves': Buffer.concat([s, r]),
      'one byte short': raw.subarray(1),
      'one byte long': Buffer.concat([raw, Buffer.alloc(1)]),
      'a zero before': Buffer.concat([Buffer.alloc(1), raw]),
      'r alone': r,
      twice: Buffer.concat([raw, raw]),
      DER: der(input, issuer.signingKey(), digest[algorithm]),
    }
    for (const [what, bytes] of Object.entries(wrong)) {
      expect(await call(`${input}.${bytes.toString('base64url')}`), what).toBe('401 ERR_TOKEN_SIGNATURE')
    }
  })

  it('[JOSE-12] of a key unknown are told from such by a key known, and neither passes', async () => {
    const { issuer, call } = createAttackedServer()
    const foreign = createSigningKey({ kid: issuer.signingKey().kid })
    expect(await call(issuer.mintToken({}, { key: foreign }))).toBe('401 ERR_TOKEN_SIGNATURE')
    expect(await call(issuer.mintToken({}, { key: createSigningKey() }))).toBe('401 ERR_TOKEN_KEY_UNKNOWN')
  })

  it('[JOSE-13] of Ed25519 are refused in any length but 64 bytes, and with a scalar out of range', async () => {
    const { issuer, call } = createAttackedServer({}, { algorithms: ['Ed25519'] })
    const token = issuer.mintToken()
    const input = token.slice(0, token.lastIndexOf('.'))
    const raw = Buffer.from(token.slice(input.length + 1), 'base64url')
    expect(await call(token)).toBe('ok')
    const outOfRange = Buffer.concat([raw.subarray(0, 32), Buffer.alloc(32, 0xff)])
    for (const bytes of [
      raw.subarray(1),
      Buffer.concat([raw, raw]),
      Buffer.alloc(64),
      outOfRange,
      raw.subarray(0, 32),
    ]) {
      expect(await call(`${input}.${bytes.toString('base64url')}`)).toBe('401 ERR_TOKEN_SIGNATURE')
    }
  })
})

function der(input: string, key: SigningKey, hash: string): Buffer {
  return sign(hash, Buffer.from(input), { key: key.privateKey, dsaEncoding: 'der' })
}
