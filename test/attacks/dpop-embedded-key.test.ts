import { createHmac, createPublicKey } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  accessToken,
  createProofSigner,
  dpopVerifier,
  nowSeconds,
  type ProofSigner,
  refusalOf,
  resource,
  sha256,
} from '../support/proofs.js'
import { requestFacts } from '../support/request-facts.js'

let victim: ProofSigner

beforeAll(async () => {
  victim = await createProofSigner()
})

function refusalOfProof(dpop: string) {
  const facts = requestFacts({ headers: { dpop } })
  return refusalOf(() => dpopVerifier().verify({ facts, accessToken, jkt: victim.jkt, resource }))
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function claims() {
  return { jti: 'forged', htm: 'GET', htu: `${resource}/`, iat: nowSeconds, ath: sha256(accessToken) }
}

describe('an attacker who holds the token and knows the public key', () => {
  it.each(['none', 'None', 'noNE', 'nOnE', ''])('[DPOP-02] [JOSE-06] gets nowhere with alg %j', async (alg) => {
    const unsigned = `${encode({ typ: 'dpop+jwt', alg, jwk: victim.jwk })}.${encode(claims())}`
    for (const proof of [`${unsigned}.`, `${unsigned}.AAAA`]) {
      const error = await refusalOfProof(proof)
      expect(error).toMatchObject({ oauthError: 'invalid_dpop_proof' })
    }
    expect(await refusalOfProof(`${unsigned}.AAAA`)).toMatchObject({ code: 'ERR_PROOF_ALGORITHM' })
  })

  it.each(['HS256', 'HS384', 'HS512'])(
    '[DPOP-02] [JOSE-07] gets nowhere with %s keyed by the public key',
    async (alg) => {
      const signingInput = `${encode({ typ: 'dpop+jwt', alg, jwk: victim.jwk })}.${encode(claims())}`
      const pem = createPublicKey({ key: victim.jwk as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
      const mac = createHmac(`sha${alg.slice(2)}`, pem)
        .update(signingInput)
        .digest('base64url')
      expect(await refusalOfProof(`${signingInput}.${mac}`)).toMatchObject({ code: 'ERR_PROOF_ALGORITHM' })
    },
  )

  it('[DPOP-02] [JOSE-07] gets nowhere with a symmetric key in the header', async () => {
    const jwk = { kty: 'oct', k: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }
    const signingInput = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${encode(claims())}`
    const mac = createHmac('sha256', Buffer.from(jwk.k, 'base64url')).update(signingInput).digest('base64url')
    expect(await refusalOfProof(`${signingInput}.${mac}`)).toMatchObject({ code: 'ERR_PROOF_KEY' })
  })

  it('[DPOP-11] [E-10] gets nowhere with a proof by a key of their own', async () => {
    const attacker = await createProofSigner()
    const error = await refusalOfProof(await attacker.sign())
    expect(error).toMatchObject({ code: 'ERR_TOKEN_BINDING_MISMATCH', oauthError: 'invalid_token' })
  })

  it('[DPOP-03] gets nowhere by naming the victim key and signing with their own', async () => {
    const attacker = await createProofSigner()
    const proof = await attacker.sign({ header: { jwk: victim.jwk } })
    expect(await refusalOfProof(proof)).toMatchObject({ code: 'ERR_PROOF_SIGNATURE' })
  })

  it('[JOSE-14] gets nowhere by pointing elsewhere for the key', async () => {
    const attacker = await createProofSigner()
    const header = { jwk: undefined, kid: 'x', jku: 'https://attacker.example/jwks', x5u: 'https://attacker.example/' }
    expect(await refusalOfProof(await attacker.sign({ header }))).toMatchObject({ code: 'ERR_PROOF_KEY' })
  })

  it('[JOSE-12] gets nowhere with an all-zero signature', async () => {
    const signingInput = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: victim.jwk })}.${encode(claims())}`
    const zero = Buffer.alloc(64).toString('base64url')
    expect(await refusalOfProof(`${signingInput}.${zero}`)).toMatchObject({ code: 'ERR_PROOF_SIGNATURE' })
  })
})

describe('a client that leaks its private key in the header', () => {
  it('[DPOP-02] [JOSE-20] is refused, and the key shows up nowhere', async () => {
    for (const alg of ['ES256', 'Ed25519', 'PS256']) {
      const signer = await createProofSigner(alg)
      const facts = requestFacts({ headers: { dpop: await signer.sign({ header: { jwk: signer.privateJwk } }) } })
      const error = await refusalOf(() => dpopVerifier().verify({ facts, accessToken, jkt: signer.jkt, resource }))
      expect(error).toMatchObject({ code: 'ERR_PROOF_KEY', detail: 'holds private or symmetric key material' })
      expect(JSON.stringify(error)).not.toContain(signer.privateJwk.d)
    }
  })
})
