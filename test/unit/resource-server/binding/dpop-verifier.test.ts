import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { PortcullisEvent } from '../../../../src/kit/events.js'
import { readProof, readProofClaims } from '../../../../src/resource-server/binding/dpop-proof.js'
import type { DpopRequest } from '../../../../src/resource-server/binding/dpop-verifier.js'
import {
  accessToken,
  createProofSigner,
  dpopVerifier,
  nowSeconds,
  type ProofSigner,
  refusalOf,
  resource,
} from '../../../support/proofs.js'
import { requestFacts } from '../../../support/request-facts.js'

let signer: ProofSigner

beforeAll(async () => {
  signer = await createProofSigner()
})

function show(proof: string, request?: object, overrides: Partial<DpopRequest> = {}): DpopRequest {
  const facts = { ...requestFacts({ headers: { dpop: proof } }), request }
  return { facts, accessToken, jkt: signer.jkt, resource, ...overrides }
}

describe('guards one after another', () => {
  it('[DPOP-15] may look at one proof of one request, which no other request can use then', async () => {
    const reserve = vi.fn(() => true)
    const verifier = dpopVerifier({ replayStore: { reserve } })
    const [proof, request] = [await signer.sign(), {}]
    await verifier.verify(show(proof, request))
    await verifier.verify(show(proof, request))
    expect(reserve).toHaveBeenCalledTimes(1)
    await verifier.verify(show(proof, {}))
    expect(reserve).toHaveBeenCalledTimes(2)
  })

  it('[DPOP-15] refuses a second request, and facts that stand for no request, with the same proof', async () => {
    const verifier = dpopVerifier()
    const proof = await signer.sign()
    await verifier.verify(show(proof, {}))
    for (const request of [{}, undefined, undefined]) {
      expect(await refusalOf(() => verifier.verify(show(proof, request)))).toMatchObject({ code: 'ERR_PROOF_REPLAYED' })
    }
  })

  it('[DPOP-15] uses up a second proof that one request shows', async () => {
    const reserve = vi.fn(() => true)
    const verifier = dpopVerifier({ replayStore: { reserve } })
    const request = {}
    await verifier.verify(show(await signer.sign(), request))
    await verifier.verify(show(await signer.sign(), request))
    expect(reserve).toHaveBeenCalledTimes(2)
  })

  it('[DPOP-15] remembers no use of a proof that was refused', async () => {
    const verifier = dpopVerifier()
    const [proof, request] = [await signer.sign(), {}]
    await verifier.verify(show(proof, {}))
    for (const _ of [1, 2]) {
      expect(await refusalOf(() => verifier.verify(show(proof, request)))).toMatchObject({ code: 'ERR_PROOF_REPLAYED' })
    }
  })
})

describe('guards at once', () => {
  /** A store whose answers are given by hand, in the order they were asked for. */
  function slowStore() {
    const waiting: { resolve: (isNew: boolean) => void; reject: (cause: Error) => void }[] = []
    const reserve = vi.fn(() => new Promise<boolean>((resolve, reject) => waiting.push({ resolve, reject })))
    const asked = (times: number) => vi.waitFor(() => expect(reserve).toHaveBeenCalledTimes(times))
    return { waiting, asked, reserve }
  }

  it('[DPOP-15] may look at one proof of one request before the store has answered, which is asked once', async () => {
    const seen = new Set<string>()
    const events: PortcullisEvent[] = []
    const reserve = vi.fn(async (key: string) => !seen.has(key) && seen.add(key) === seen)
    const verifier = dpopVerifier({ replayStore: { reserve }, onEvent: (event) => events.push(event) })
    const [proof, request] = [await signer.sign(), {}]
    const both = [verifier.verify(show(proof, request)), verifier.verify(show(proof, request))]
    expect(await Promise.all(both)).toMatchObject([{ jkt: signer.jkt }, { jkt: signer.jkt }])
    expect(await verifier.verify(show(proof, request))).toMatchObject({ jkt: signer.jkt })
    expect(await verifier.verify(show(proof, request, { isRehearsal: true }))).toMatchObject({ jkt: signer.jkt })
    expect([reserve.mock.calls.length, events]).toEqual([1, []])
  })

  it('[DPOP-15] refuses another request with the same proof before the store has answered', async () => {
    const { reserve, waiting, asked } = slowStore()
    const verifier = dpopVerifier({ replayStore: { reserve } })
    const proof = await signer.sign()
    const first = verifier.verify(show(proof, {}))
    const second = refusalOf(() => verifier.verify(show(proof, {})))
    await asked(2)
    waiting[0]?.resolve(true)
    waiting[1]?.resolve(false)
    expect(await first).toMatchObject({ jkt: signer.jkt })
    expect(await second).toMatchObject({ code: 'ERR_PROOF_REPLAYED' })
  })

  it('[DPOP-15] are all refused a proof that was used before, which is told once', async () => {
    const events: PortcullisEvent[] = []
    const replayStore = { reserve: vi.fn(async () => false) }
    const verifier = dpopVerifier({ replayStore, onEvent: (event) => events.push(event) })
    const [proof, request] = [await signer.sign(), {}]
    const refused = () => refusalOf(() => verifier.verify(show(proof, request)))
    const both = await Promise.all([refused(), refused()])
    expect(both).toMatchObject([{ code: 'ERR_PROOF_REPLAYED' }, { code: 'ERR_PROOF_REPLAYED' }])
    expect(events).toMatchObject([{ type: 'dpop.replayed' }])
  })

  it('share the failure of the store, and a later one asks it anew', async () => {
    const { reserve, waiting, asked } = slowStore()
    const verifier = dpopVerifier({ replayStore: { reserve } })
    const [proof, request] = [await signer.sign(), {}]
    const refused = () => refusalOf(() => verifier.verify(show(proof, request)))
    const both = Promise.all([refused(), refused()])
    await asked(1)
    waiting[0]?.reject(new Error('down'))
    expect(await both).toMatchObject([{ code: 'ERR_STORE_UNAVAILABLE' }, { code: 'ERR_STORE_UNAVAILABLE' }])
    const later = verifier.verify(show(proof, request))
    await asked(2)
    waiting[1]?.resolve(true)
    expect(await later).toMatchObject({ jkt: signer.jkt })
  })

  it.each([true, false])(
    '[DPOP-15] uses up two proofs of one request, whatever becomes of the first: %s',
    async (isNew) => {
      const { reserve, waiting, asked } = slowStore()
      const verifier = dpopVerifier({ replayStore: { reserve } })
      const [one, other, request] = [await signer.sign(), await signer.sign(), {}]
      const first = Promise.resolve(verifier.verify(show(one, request))).then(
        () => true,
        () => false,
      )
      await asked(1)
      const second = verifier.verify(show(other, request))
      await asked(2)
      waiting[0]?.resolve(isNew)
      expect(await first).toBe(isNew)
      const joined = verifier.verify(show(other, request))
      waiting[1]?.resolve(true)
      expect(await Promise.all([second, joined])).toMatchObject([{ jkt: signer.jkt }, { jkt: signer.jkt }])
      expect(reserve).toHaveBeenCalledTimes(2)
    },
  )
})

describe('a rehearsal', () => {
  const rehearse = { isRehearsal: true }

  it('leaves the proof unused, and asks no store', async () => {
    const reserve = vi.fn(() => true)
    const verifier = dpopVerifier({ replayStore: { reserve } })
    const proof = await signer.sign()
    for (const request of [undefined, {}]) {
      expect(await verifier.verify(show(proof, request, rehearse))).toMatchObject({ jkt: signer.jkt })
    }
    expect(reserve).not.toHaveBeenCalled()
  })

  it('repeats what became of the request before, and that of no other request', async () => {
    const verifier = dpopVerifier()
    const [proof, request] = [await signer.sign(), {}]
    await verifier.verify(show(proof, {}))
    const refusal = await refusalOf(() => verifier.verify(show(proof, request)))
    expect(await refusalOf(() => verifier.verify(show(proof, request, rehearse)))).toBe(refusal)
    expect(await verifier.verify(show(proof, {}, rehearse))).toMatchObject({ jkt: signer.jkt })
  })

  it('repeats that the store had failed', async () => {
    const replayStore = { reserve: () => Promise.reject(new Error('down')) }
    const verifier = dpopVerifier({ replayStore })
    const [proof, request] = [await signer.sign(), {}]
    const refusal = await refusalOf(() => verifier.verify(show(proof, request)))
    expect(refusal).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', detail: 'replay store' })
    expect(await refusalOf(() => verifier.verify(show(proof, request, rehearse)))).toBe(refusal)
  })

  it('still refuses a proof that is wrong', async () => {
    const proof = await signer.sign({ claims: { ath: 'x' } })
    const refusal = await refusalOf(() => dpopVerifier().verify(show(proof, {}, rehearse)))
    expect(refusal).toMatchObject({ code: 'ERR_PROOF_TOKEN_HASH' })
  })
})

describe('the replay store', () => {
  it.each([true, false])('is told to be well again by the answer %s, at once or later', async (answer) => {
    for (const isLater of [true, false]) {
      const events: PortcullisEvent[] = []
      const reserve = vi.fn<() => boolean | Promise<boolean>>(() => (isLater ? Promise.resolve(answer) : answer))
      reserve.mockRejectedValueOnce(new Error('down'))
      const verifier = dpopVerifier({ replayStore: { reserve }, onEvent: (event) => events.push(event) })
      await refusalOf(async () => verifier.verify(show(await signer.sign())))
      const next = async () => verifier.verify(show(await signer.sign()))
      await next().catch(() => {})
      expect(events.map(({ type }) => type).slice(0, 2)).toEqual(['store.failed', 'store.recovered'])
    }
  })

  it('is named with what it answered in place of true or false', async () => {
    const verifier = dpopVerifier({ replayStore: { reserve: () => 'OK' as never } })
    const refusal = await refusalOf(async () => verifier.verify(show(await signer.sign())))
    expect(refusal).toMatchObject({
      detail: 'replay store',
      cause: new TypeError('the replay store answered neither true nor false'),
    })
  })

  it('passes on why it failed', async () => {
    const cause = new Error('down')
    const verifier = dpopVerifier({ replayStore: { reserve: () => Promise.reject(cause) } })
    expect(await refusalOf(async () => verifier.verify(show(await signer.sign())))).toMatchObject({ cause })
  })

  it('[C-10] may throw where its failures are let pass', async () => {
    const reserve = () => {
      throw new Error('down')
    }
    const verifier = dpopVerifier({ replayStore: { reserve }, dangerouslyAllowReplayWhenStoreFails: true })
    expect(await verifier.verify(show(await signer.sign()))).toMatchObject({ jkt: signer.jkt })
  })
})

describe('the time of a proof', () => {
  const verdict = async (iat: number) =>
    Promise.resolve(dpopVerifier().verify(show(await signer.sign({ claims: { iat } })))).then(
      () => 'accepted',
      (error: { code: string; detail?: string }) => `${error.code} ${error.detail}`,
    )

  it('[DPOP-09] [C-09] is at most 60 s back and 10 s ahead, both included', async () => {
    for (const iat of [nowSeconds - 60, nowSeconds + 10]) expect(await verdict(iat)).toBe('accepted')
    for (const iat of [nowSeconds - 61, nowSeconds + 11]) expect(await verdict(iat)).toBe('ERR_PROOF_TIME iat')
  })
})

describe('readProofClaims', () => {
  const claims = { jti: 'j', htm: 'GET', htu: `${resource}/`, iat: nowSeconds, ath: 'a' }

  it('[REAL-09] takes no time that has no end, which JSON can write as 1e999', () => {
    expect(readProofClaims(claims)).toMatchObject(claims)
    for (const name of ['iat', 'exp', 'nbf']) {
      const read = () => readProofClaims({ ...claims, [name]: Number.POSITIVE_INFINITY })
      expect(read, name).toThrow(expect.objectContaining({ code: 'ERR_PROOF_CLAIM', detail: name }))
    }
  })

  it('[DPOP-18] takes a nonce that is no text for none, a list that holds a good one too', () => {
    for (const nonce of [['n'], 7, null, {}]) expect(readProofClaims({ ...claims, nonce }).nonce).toBeUndefined()
    expect(readProofClaims({ ...claims, nonce: 'n' }).nonce).toBe('n')
  })
})

describe('the key of a proof', () => {
  it('[C-28] may be named Ed25519 where only EdDSA is listed, and neither where none is', async () => {
    const names = await Promise.all(['EdDSA', 'Ed25519'].map((alg) => createProofSigner(alg)))
    for (const { jkt, sign } of names) {
      const only = (algorithm: 'EdDSA' | 'ES256') => async () =>
        dpopVerifier({ algorithms: [algorithm] }).verify(show(await sign(), undefined, { jkt }))
      expect(await only('EdDSA')()).toMatchObject({ jkt })
      expect(await refusalOf(only('ES256'))).toMatchObject({ code: 'ERR_PROOF_ALGORITHM' })
    }
  })

  it('is said to be refused by the platform, or why it is none', async () => {
    const refusal = async (jwk: object) =>
      refusalOf(async () => dpopVerifier().verify(show(await signer.sign({ header: { jwk } }))))
    expect(await refusal({ ...signer.jwk, y: signer.jwk.x })).toMatchObject({ detail: 'the platform refuses the key' })
    expect(await refusal({ ...signer.privateJwk })).toMatchObject({ detail: 'holds private or symmetric key material' })
    const other = await createProofSigner('Ed25519')
    expect(await refusal(other.jwk)).toMatchObject({ detail: 'the key does not fit alg' })
  })
})

describe('readProof', () => {
  const text = (length: number) => {
    const payload = Buffer.from(JSON.stringify({ x: 'x'.repeat(5999) })).toString('base64url')
    return `${'A'.repeat(length - payload.length - 6)}.${payload}.AAAA`
  }

  it('[DPOP-01] reads a proof of 8 KiB, and nothing longer', async () => {
    const facts = (dpop: string) => requestFacts({ headers: { dpop } })
    expect(readProof(facts(text(8192)))).toMatchObject({ signature: Buffer.alloc(3) })
    const refusal = (dpop: string) => refusalOf(async () => readProof(facts(dpop)))
    expect(await refusal(text(8193))).toMatchObject({ code: 'ERR_PROOF_MALFORMED', detail: 'too large' })
    expect(await refusal('proof')).toMatchObject({ code: 'ERR_PROOF_MALFORMED', detail: 'not a compact JWS' })
  })

  it('says where a header is none, and what it must not hold', async () => {
    const [, payload, signature] = (await signer.sign()).split('.')
    const refusal = async (header: string) => {
      const segment = Buffer.from(header).toString('base64url')
      return refusalOf(() => dpopVerifier().verify(show(`${segment}.${payload}.${signature}`)))
    }
    expect(await refusal('x')).toMatchObject({ code: 'ERR_PROOF_MALFORMED', detail: 'header' })
    expect(await refusal('{"typ":"dpop+jwt","crit":["x"]}')).toMatchObject({ detail: 'crit or b64' })
  })
})
