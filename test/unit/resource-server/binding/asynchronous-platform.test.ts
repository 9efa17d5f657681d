import { expect, it, vi } from 'vitest'
import type { DpopNonceRequiredError } from '../../../../src/errors/index.js'
import { accessToken, createProofSigner, dpopVerifier, refusalOf, resource } from '../../../support/proofs.js'
import { requestFacts } from '../../../support/request-facts.js'

vi.mock('#crypto', () => import('../../../../src/jws/crypto/web.js'))

it('[DPOP-03] [DPOP-15] [DPOP-18] verifies by WebCrypto with an asynchronous store just the same', async () => {
  const signer = await createProofSigner()
  const seen = new Set<string>()
  const verifier = dpopVerifier({
    nonce: {
      secrets: ['a secret of at least thirty-two bytes', 'and one more of them, for rotation'],
      maxAgeSeconds: 300,
      onSuccess: true,
    },
    replayStore: { reserve: async (key) => !seen.has(key) && seen.add(key) === seen },
  })
  const send = (dpop: string) =>
    verifier.verify({ facts: requestFacts({ headers: { dpop } }), accessToken, jkt: signer.jkt, resource })

  const demand = (await refusalOf(async () => send(await signer.sign()))) as DpopNonceRequiredError
  expect(demand).toMatchObject({ code: 'ERR_PROOF_NONCE' })
  const proof = await signer.sign({ claims: { nonce: demand.nonce } })
  expect(await send(proof)).toMatchObject({ jkt: signer.jkt, responseHeaders: { 'DPoP-Nonce': demand.nonce } })
  expect(await refusalOf(() => send(proof))).toMatchObject({ code: 'ERR_PROOF_REPLAYED' })

  const stranger = await createProofSigner()
  const forged = await signer.sign({ header: { jwk: stranger.jwk } })
  expect(await refusalOf(() => send(forged))).toMatchObject({ code: 'ERR_PROOF_SIGNATURE' })
  const offCurve = await signer.sign({ header: { jwk: { ...signer.jwk, y: signer.jwk.x } } })
  expect(await refusalOf(() => send(offCurve))).toMatchObject({ code: 'ERR_PROOF_KEY' })
})
