import fc from 'fast-check'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { isAuthError } from '../../src/errors/index.js'
import {
  accessToken,
  createProofSigner,
  dpopVerifier,
  nowSeconds,
  type ProofSigner,
  refusalOf,
  resource,
} from '../support/proofs.js'
import { requestFacts } from '../support/request-facts.js'

let signer: ProofSigner

beforeAll(async () => {
  signer = await createProofSigner()
})

function refusalOfField(dpop: string | readonly string[]) {
  const facts = requestFacts({ headers: { dpop } })
  return refusalOf(() => dpopVerifier().verify({ facts, accessToken, jkt: signer.jkt, resource }))
}

describe('junk in the DPoP field', () => {
  it('[DPOP-01] refuses a proof over 8 KiB, valid or not, and reads one just under it', async () => {
    const padding = (length: number) => signer.sign({ claims: { padding: 'x'.repeat(length) } })
    expect(await refusalOfField(await padding(8 * 1024))).toMatchObject({
      code: 'ERR_PROOF_MALFORMED',
      detail: 'too large',
    })
    const large = await padding(5000)
    const facts = requestFacts({ headers: { dpop: large } })
    expect(await dpopVerifier().verify({ facts, accessToken, jkt: signer.jkt, resource })).toMatchObject({
      jkt: signer.jkt,
    })
    expect(await refusalOfField('a'.repeat(1_000_000))).toMatchObject({ detail: 'too large' })
  })

  it('[DPOP-01] [JWT-11] survives nesting as deep as 8 KiB allow, and reads no deeper than 32 levels', async () => {
    const nested = (depth: number) =>
      Buffer.from(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`).toString('base64url')
    const [header, payload, signature] = (await signer.sign()).split('.')
    for (const depth of [33, 2900]) {
      expect(await refusalOfField(`${nested(depth)}.${payload}.${signature}`)).toMatchObject({
        code: 'ERR_PROOF_MALFORMED',
      })
      expect(await refusalOfField(`${header}.${nested(depth)}.AAAA`)).toMatchObject({ code: 'ERR_PROOF_MALFORMED' })
    }
    expect(await refusalOfField(`${header}.${nested(32)}.AAAA`)).toMatchObject({ code: 'ERR_PROOF_SIGNATURE' })
  })

  it('[DPOP-01] counts joined proofs as two, however they are joined', async () => {
    const [first, second] = [await signer.sign(), await signer.sign()]
    for (const joined of [`${first},${second}`, `${first}, ${second}`, `, ${first}`, `${first},`, ',']) {
      expect(await refusalOfField(joined)).toMatchObject({ code: 'ERR_PROOF_REPEATED' })
    }
    for (const joined of [`${first} ${second}`, `${first};${second}`]) {
      expect(await refusalOfField(joined)).toMatchObject({ code: 'ERR_PROOF_MALFORMED' })
    }
  })

  it('[DPOP-18] refuses forged nonces and never falls back to iat', async () => {
    const reserve = vi.fn(() => true)
    const nonce = { secrets: ['a secret of at least thirty-two bytes'], maxAgeSeconds: 300, onSuccess: false }
    const verifier = dpopVerifier({ nonce, replayStore: { reserve } })
    const verify = (dpop: string) =>
      verifier.verify({ facts: requestFacts({ headers: { dpop } }), accessToken, jkt: signer.jkt, resource })
    const forged = [
      undefined,
      'x',
      `${nowSeconds.toString(36)}.${'A'.repeat(43)}`,
      '\u0000',
      'x'.repeat(4000),
      { toString: 'x' },
      ['x'],
    ]
    for (const value of forged) {
      const error = await refusalOf(async () => verify(await signer.sign({ claims: { nonce: value } })))
      expect(error).toMatchObject({ code: 'ERR_PROOF_NONCE', oauthError: 'use_dpop_nonce' })
    }
    expect(reserve).not.toHaveBeenCalled()
  })

  it('[DPOP-14] answers any text with a refusal of its own, and repeats nothing of it', async () => {
    const segment = fc.oneof(
      fc.base64String(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
      fc.constantFrom('e30', '__proto__', ''),
    )
    const junk = fc.oneof(
      fc.string(),
      fc.array(segment, { maxLength: 5 }).map((parts) => parts.join('.')),
    )
    await fc.assert(
      fc.asyncProperty(junk, async (text) => {
        const error = await refusalOfField(text)
        expect(isAuthError(error) && error.status === 401).toBe(true)
        if (text.length > 8) expect(JSON.stringify(error)).not.toContain(text)
      }),
    )
  })

  it('[DPOP-14] answers any signed header and claims with a refusal of its own', async () => {
    const [, , signature] = (await signer.sign()).split('.')
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const member = fc.oneof(fc.jsonValue(), fc.constant(signer.jwk), fc.constantFrom('ES256', 'dpop+jwt'))
    const header = fc.record({ typ: member, alg: member, jwk: member, crit: member }, { requiredKeys: [] })
    await fc.assert(
      fc.asyncProperty(header, fc.object(), async (given, payload) => {
        const error = await refusalOfField(`${encode(given)}.${encode(payload)}.${signature}`)
        expect(isAuthError(error) && error.status === 401).toBe(true)
      }),
    )
  })
})
