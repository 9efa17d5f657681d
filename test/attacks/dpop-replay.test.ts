import { beforeAll, describe, expect, it } from 'vitest'
import { createBinding } from '../../src/resource-server/binding/binding.js'
import { createMemoryReplayStore } from '../../src/stores/memory/memory-replay-store.js'
import {
  accessToken,
  createProofSigner,
  dpopSettings,
  dpopVerifier,
  nowSeconds,
  type ProofSigner,
  refusalOf,
  resource,
  sha256,
} from '../support/proofs.js'
import { type FactsOverrides, requestFacts } from '../support/request-facts.js'

let signer: ProofSigner

beforeAll(async () => {
  signer = await createProofSigner()
})

type Verifier = ReturnType<typeof dpopVerifier>

async function outcome(verifier: Verifier, dpop: string, facts: FactsOverrides = {}, token = accessToken) {
  try {
    const withProof = requestFacts({ ...facts, headers: { ...facts.headers, dpop } })
    await verifier.verify({ facts: withProof, accessToken: token, jkt: signer.jkt, resource })
    return 'accepted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('an attacker who recorded a proof', () => {
  it('[DPOP-15] [C-10] cannot use it again at any moment of the window, nor after it', async () => {
    const time = { ms: nowSeconds * 1000 }
    const verifier = dpopVerifier({ clock: () => time.ms })
    const proof = await signer.sign({ claims: { iat: nowSeconds + 10 } })
    expect(await outcome(verifier, proof)).toBe('accepted')
    for (let elapsed = 0; elapsed <= 70_000; elapsed += 500) {
      time.ms = nowSeconds * 1000 + elapsed
      expect(await outcome(verifier, proof)).toBe('ERR_PROOF_REPLAYED')
    }
    time.ms += 1
    expect(await outcome(verifier, proof)).toBe('ERR_PROOF_TIME')
  })

  it('[DPOP-15] cannot win a race: of many at once exactly one is accepted', async () => {
    const verifier = dpopVerifier()
    const proof = await signer.sign()
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => outcome(verifier, proof)))
    expect(outcomes.filter((one) => one === 'accepted')).toHaveLength(1)
  })

  it('[DPOP-15] cannot use it at a second instance that shares the store', async () => {
    const replayStore = createMemoryReplayStore({ clock: () => nowSeconds * 1000 })
    const proof = await signer.sign()
    expect(await outcome(dpopVerifier({ replayStore }), proof)).toBe('accepted')
    expect(await outcome(dpopVerifier({ replayStore }), proof)).toBe('ERR_PROOF_REPLAYED')
  })

  it('[DPOP-15] cannot pass it off for a fresh one by re-encoding it', async () => {
    const verifier = dpopVerifier()
    const proof = await signer.sign()
    expect(await outcome(verifier, proof)).toBe('accepted')
    const [header, payload, signature = ''] = proof.split('.')
    const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
    const raw = Buffer.from(signature, 'base64url')
    const mirrored = order - BigInt(`0x${raw.subarray(32).toString('hex')}`)
    raw.set(Buffer.from(mirrored.toString(16).padStart(64, '0'), 'hex'), 32)
    expect(await outcome(verifier, `${header}.${payload}.${raw.toString('base64url')}`)).toBe('ERR_PROOF_REPLAYED')
  })

  it('[DPOP-05] [DPOP-06] [DPOP-10] cannot use it for another method, URI or token', async () => {
    const verifier = dpopVerifier()
    const proof = await signer.sign()
    expect(await outcome(verifier, proof, { method: 'DELETE' })).toBe('ERR_PROOF_METHOD')
    expect(await outcome(verifier, proof, { method: 'get' })).toBe('ERR_PROOF_METHOD')
    expect(await outcome(verifier, proof, { url: '/admin' })).toBe('ERR_PROOF_TARGET')
    expect(await outcome(verifier, proof, { url: '//' })).toBe('ERR_PROOF_TARGET')
    expect(await outcome(verifier, proof, {}, 'a stolen token of the same client')).toBe('ERR_PROOF_TOKEN_HASH')
    expect(await outcome(verifier, proof)).toBe('accepted')
  })

  it.each(['/a%2Fb', '/a//b', '/a/b/', '/A/b', '/a/b%20', '/x/../a%2fb'])(
    '[DPOP-07] cannot use a proof for /a/b at %s',
    async (url) => {
      const proof = await signer.sign({ claims: { htu: `${resource}/a/b` } })
      expect(await outcome(dpopVerifier(), proof, { url })).toBe('ERR_PROOF_TARGET')
    },
  )

  it('[DPOP-08] [SEC-04] cannot move it to another host by Host or forwarding fields', async () => {
    const proof = await signer.sign({ claims: { htu: 'https://other.example/' } })
    const headers = {
      host: 'other.example',
      forwarded: 'proto=https;host=other.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'other.example',
    }
    expect(await outcome(dpopVerifier(), proof, { headers })).toBe('ERR_PROOF_TARGET')
    const asForwarded = dpopVerifier({ targetOrigin: 'x-forwarded' })
    const behindNobody = { headers: { ...headers, host: 'api.example.com' }, secure: true }
    expect(await outcome(asForwarded, proof, behindNobody)).toBe('ERR_PROOF_TARGET')
  })
})

describe('an attacker who stole a bound token', () => {
  it('[DPOP-12] [DPOP-13] [E-07] cannot downgrade it to Bearer', async () => {
    const dpop = dpopSettings()
    const binding = createBinding({
      dpop,
      mtls: { certificateFrom: 'connection' },
      replayStore: dpop.replayStore,
      trustedProxies: [],
      surroundings: { clock: dpop.clock, onEvent: undefined },
    })
    for (const mode of ['off', 'allowed', 'required'] as const) {
      const error = await refusalOf(() =>
        binding.check({
          facts: requestFacts(),
          scheme: 'Bearer',
          token: accessToken,
          tokenHash: sha256(accessToken),
          confirmation: { jkt: signer.jkt },
          modes: { dpop: mode, mtls: 'off' },
          resource,
        }),
      )
      expect(error).toMatchObject({ code: 'ERR_TOKEN_BOUND' })
    }
  })
})

describe('a client that floods the replay store', () => {
  it('[REAL-12] is refused itself, and keeps no other client out', async () => {
    const replayStore = createMemoryReplayStore({ clock: () => nowSeconds * 1000, maxEntries: 40 })
    const verifier = dpopVerifier({ replayStore })
    const flood = []
    for (let index = 0; index < 60; index++) flood.push(await outcome(verifier, await signer.sign()))
    expect(flood.slice(0, 20).every((one) => one === 'accepted')).toBe(true)
    expect(flood.slice(20).every((one) => one === 'ERR_STORE_UNAVAILABLE')).toBe(true)
    const other = await createProofSigner()
    const facts = requestFacts({ headers: { dpop: await other.sign() } })
    const another = { facts, accessToken, jkt: other.jkt, resource }
    await expect(verifier.verify(another)).resolves.toMatchObject({ jkt: other.jkt })
    await expect((async () => verifier.verify(another))()).rejects.toMatchObject({ code: 'ERR_PROOF_REPLAYED' })
  })
})
