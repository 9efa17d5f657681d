import { beforeAll, describe, expect, it, vi } from 'vitest'
import { DpopNonceRequiredError } from '../../../../src/errors/index.js'
import type { PortcullisEvent } from '../../../../src/kit/events.js'
import {
  accessToken,
  createProofSigner,
  dpopVerifier,
  nowSeconds,
  type ProofOverrides,
  type ProofSigner,
  refusalOf,
  resource,
  sha256,
} from '../../../support/proofs.js'
import { type FactsOverrides, requestFacts } from '../../../support/request-facts.js'

let signer: ProofSigner

beforeAll(async () => {
  signer = await createProofSigner()
})

function send(verifier: ReturnType<typeof dpopVerifier>, proof: string, facts: FactsOverrides = {}, jkt = signer.jkt) {
  const withProof = requestFacts({ ...facts, headers: { dpop: proof, ...facts.headers } })
  return verifier.verify({ facts: withProof, accessToken, tokenHash: sha256(accessToken), jkt, resource })
}

async function refusalOfProof(overrides: ProofOverrides, settings: Parameters<typeof dpopVerifier>[0] = {}) {
  const proof = await signer.sign(overrides)
  return refusalOf(() => send(dpopVerifier(settings), proof))
}

describe('the proof field', () => {
  it('[DPOP-01] [C-11] [E-08] refuses a request without a proof', async () => {
    const refusal = await refusalOf(() => send(dpopVerifier(), '', { headers: { dpop: [] } }))
    expect(refusal).toMatchObject({ code: 'ERR_PROOF_MISSING', status: 401, oauthError: 'invalid_dpop_proof' })
  })

  it('[DPOP-01] [C-11] [E-08] refuses two fields, and two values joined into one', async () => {
    const [first, second] = [await signer.sign(), await signer.sign()]
    for (const dpop of [[first, second], [first, first], `${first}, ${second}`, `${first},`]) {
      const refusal = await refusalOf(() => send(dpopVerifier(), '', { headers: { dpop } }))
      expect(refusal).toMatchObject({ code: 'ERR_PROOF_REPEATED', oauthError: 'invalid_dpop_proof' })
    }
  })

  it('[DPOP-01] [JOSE-01] [JOSE-02] [C-29] refuses anything but one canonical compact JWS', async () => {
    const proof = await signer.sign()
    const [header, payload, signature] = proof.split('.') as [string, string, string]
    const notJson = Buffer.from('x').toString('base64url')
    const malformed = [
      '',
      'proof',
      `${header}.${payload}`,
      `${proof}.x`,
      `${proof}=`,
      ` ${proof}`,
      `${header}.${payload}.`,
      `${header}.${notJson}.${signature}`,
      `${notJson}.${payload}.${signature}`,
      `${header}.${Buffer.from('[]').toString('base64url')}.${signature}`,
      `${header}.${payload}.${withSpareBits(signature)}`,
    ]
    for (const text of malformed) {
      const refusal = await refusalOf(() => send(dpopVerifier(), text))
      expect(refusal, text).toMatchObject({ code: 'ERR_PROOF_MALFORMED' })
    }
  })
})

/** Another text for the same 64 bytes: their last character leaves four bits unused. */
function withSpareBits(signature: string): string {
  const last = signature.charCodeAt(signature.length - 1)
  return signature.slice(0, -1) + String.fromCharCode(last + 1)
}

describe('the proof header', () => {
  it.each(['ES256', 'PS256', 'Ed25519', 'EdDSA'])('[C-32] [C-28] [DPOP-02] [DPOP-03] accepts %s', async (alg) => {
    const other = await createProofSigner(alg)
    expect(await send(dpopVerifier(), await other.sign(), {}, other.jkt)).toMatchObject({ jkt: other.jkt })
  })

  it('[C-28] accepts EdDSA where only Ed25519 is listed', async () => {
    const other = await createProofSigner('EdDSA')
    const verifier = dpopVerifier({ algorithms: ['Ed25519'] })
    expect(await send(verifier, await other.sign(), {}, other.jkt)).toMatchObject({ jkt: other.jkt })
  })

  it('[C-32] [DPOP-02] [JOSE-06] refuses algorithms that are not on the list', async () => {
    const other = await createProofSigner('RS256')
    const refusal = await refusalOf(async () => send(dpopVerifier(), await other.sign(), {}, other.jkt))
    expect(refusal).toMatchObject({ code: 'ERR_PROOF_ALGORITHM' })
    expect(await refusalOfProof({}, { algorithms: ['PS256'] })).toMatchObject({ code: 'ERR_PROOF_ALGORITHM' })
  })

  it('[DPOP-02] [JOSE-18] compares typ as a media type', async () => {
    const proof = await signer.sign({ header: { typ: 'application/DPoP+JWT' } })
    expect(await send(dpopVerifier(), proof)).toMatchObject({ jkt: signer.jkt })
    for (const typ of ['JWT', 'at+jwt', undefined, 7]) {
      expect(await refusalOfProof({ header: { typ } })).toMatchObject({ code: 'ERR_PROOF_MALFORMED', detail: 'typ' })
    }
  })

  it('[JOSE-03] [REAL-40] refuses critical extensions', async () => {
    const proof = await signer.sign()
    const [, payload, signature] = proof.split('.')
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: signer.jwk }
    for (const extra of [{ crit: ['exp'], exp: 1 }, { b64: false }]) {
      const segment = Buffer.from(JSON.stringify({ ...header, ...extra })).toString('base64url')
      const refusal = await refusalOf(() => send(dpopVerifier(), `${segment}.${payload}.${signature}`))
      expect(refusal).toMatchObject({
        code: 'ERR_PROOF_MALFORMED',
        expected: 'no such member',
        received: 'crit or b64',
      })
    }
  })

  it.each([
    ['no key', undefined],
    ['a key that is no object', 'key'],
    ['a key of another type', { kty: 'oct', k: 'AAAA' }],
    ['a key for encryption', { use: 'enc' }],
    ['a key for signing only', { key_ops: ['sign'] }],
    ['a key for another algorithm', { alg: 'ES384' }],
  ])('[DPOP-02] [JOSE-08] refuses %s', async (_, members) => {
    const jwk = typeof members === 'object' && !('kty' in members) ? { ...signer.jwk, ...members } : members
    expect(await refusalOfProof({ header: { jwk } })).toMatchObject({ code: 'ERR_PROOF_KEY' })
  })

  it('[DPOP-02] [JOSE-07] [REAL-40] refuses a key that does not fit the algorithm', async () => {
    const other = await createProofSigner('Ed25519')
    expect(await refusalOfProof({ header: { jwk: other.jwk } })).toMatchObject({
      code: 'ERR_PROOF_KEY',
      expected: 'ES256',
      received: other.jwk.kty,
    })
  })

  it('[JOSE-13] refuses a point that is not on the curve', async () => {
    const jwk = { ...signer.jwk, y: signer.jwk.x }
    expect(await refusalOfProof({ header: { jwk } })).toMatchObject({ code: 'ERR_PROOF_KEY' })
  })

  it('[JOSE-10] refuses RSA keys of less than 2048 bits', async () => {
    const modulus = Buffer.alloc(128, 0xff).toString('base64url')
    const proof = await refusalOfProof({ header: { jwk: { kty: 'RSA', n: modulus, e: 'AQAB' } } })
    expect(proof).toMatchObject({ code: 'ERR_PROOF_KEY' })
  })

  it('[DPOP-03] refuses a signature by another key', async () => {
    const other = await createProofSigner()
    expect(await refusalOfProof({ header: { jwk: other.jwk } })).toMatchObject({ code: 'ERR_PROOF_SIGNATURE' })
  })
})

describe('the proof claims', () => {
  it.each([
    ['jti', undefined],
    ['jti', 7],
    ['jti', ''],
    ['jti', 'x'.repeat(257)],
    ['htm', undefined],
    ['htm', 7],
    ['htu', undefined],
    ['htu', ['https://api.example.com/']],
    ['ath', undefined],
    ['ath', null],
  ])('[DPOP-04] [DPOP-15] refuses %s = %j', async (name, value) => {
    expect(await refusalOfProof({ claims: { [name]: value } })).toMatchObject({ code: 'ERR_PROOF_CLAIM', detail: name })
  })

  it.each([undefined, null, 'text', true])('[DPOP-04] refuses iat = %j', async (iat) => {
    const proof = await signer.sign()
    const [header] = proof.split('.') as [string]
    expect(header).toBeTruthy()
    const claims = { jti: 'x', htm: 'GET', htu: `${resource}/`, ath: sha256(accessToken), iat }
    const signed = await signer.sign({ claims })
    expect(await refusalOf(() => send(dpopVerifier(), signed))).toMatchObject({
      code: 'ERR_PROOF_CLAIM',
      detail: 'iat',
    })
  })

  it('[DPOP-15] accepts a jti of 256 characters', async () => {
    const proof = await signer.sign({ claims: { jti: 'x'.repeat(256) } })
    expect(await send(dpopVerifier(), proof)).toMatchObject({ jkt: signer.jkt })
  })

  it.each(['get', 'POST', ''])('[DPOP-05] refuses htm = %j for GET', async (htm) => {
    expect(await refusalOfProof({ claims: { htm } })).toMatchObject({ code: 'ERR_PROOF_METHOD' })
  })

  it.each([
    'https://api.example.com/other',
    'https://other.example.com/',
    'http://api.example.com/',
    'https://api.example.com:8443/',
    '/',
    '',
    'https://user@api.example.com/',
  ])('[DPOP-06] refuses htu = %j', async (htu) => {
    expect(await refusalOfProof({ claims: { htu } })).toMatchObject({ code: 'ERR_PROOF_TARGET' })
  })

  it.each([
    ['/a b', 'https://api.example.com/a c'],
    ['/a b', 'https://api.example.com/a b'],
    ['/%zz', 'https://api.example.com/%'],
    ['/a\\b', 'nonsense'],
  ])('[DPOP-06] refuses for the request target %j the htu %j: neither can be normalised', async (url, htu) => {
    const proof = await signer.sign({ claims: { htu } })
    expect(await refusalOf(() => send(dpopVerifier(), proof, { url }))).toMatchObject({ code: 'ERR_PROOF_TARGET' })
  })

  it('[DPOP-06] [DPOP-07] [C-16] accepts any spelling of the same htu', async () => {
    const proof = await signer.sign({ claims: { htu: 'HTTPS://API.example.com:443/a/../%7Euser?x#y' } })
    expect(await send(dpopVerifier(), proof, { url: '/~user?z=1' })).toMatchObject({ jkt: signer.jkt })
  })

  it('[DPOP-06] refuses when the target cannot be known', async () => {
    const proof = await signer.sign()
    const refusal = await refusalOf(() => send(dpopVerifier({ targetOrigin: 'connection' }), proof))
    expect(refusal).toMatchObject({ code: 'ERR_PROOF_TARGET' })
  })

  it('[DPOP-08] reads the origin where the settings say', async () => {
    const proof = await signer.sign({ claims: { htu: 'https://public.example/' } })
    const facts = { headers: { host: 'internal', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'public.example' } }
    const verifier = dpopVerifier({ targetOrigin: 'x-forwarded', isTrustedProxy: () => true })
    expect(await send(verifier, proof, facts)).toMatchObject({ jkt: signer.jkt })
  })

  it('[REAL-43] accepts the URI the client called where a proxy strips its prefix, and says so where nobody set it', async () => {
    const proof = () => signer.sign({ claims: { htu: 'https://api.example.com/api/users' } })
    const facts = { url: '/users' }
    expect(await send(dpopVerifier({ pathPrefix: '/api' }), await proof(), facts)).toMatchObject({ jkt: signer.jkt })
    const refusal = await refusalOf(async () => send(dpopVerifier(), await proof(), facts))
    expect(refusal).toMatchObject({ code: 'ERR_PROOF_TARGET', detail: expect.stringContaining('dpop.pathPrefix') })
  })

  it('[REAL-43] accepts one URI for each request: a proof for another service of the origin fits none', async () => {
    const verifier = dpopVerifier({ pathPrefix: '/api' })
    for (const path of [
      '/users',
      '/other/users',
      '/api/api/users',
      '/api',
      '/apiusers',
      '/api/../users',
      '/API/users',
    ]) {
      const proof = await signer.sign({ claims: { htu: `https://api.example.com${path}` } })
      for (const url of ['/users', '/../users', '/%2e%2e/users', '/api/../users']) {
        const refusal = await refusalOf(() => send(verifier, proof, { url }))
        expect(refusal, `${path} for ${url}`).toMatchObject({ code: 'ERR_PROOF_TARGET' })
      }
    }
  })

  it('[DPOP-10] hashes the token itself when no hash is given', async () => {
    const facts = requestFacts({ headers: { dpop: await signer.sign() } })
    const verified = await dpopVerifier().verify({ facts, accessToken, jkt: signer.jkt, resource })
    expect(verified).toEqual({ jkt: signer.jkt, responseHeaders: undefined })
  })

  it('[C-09] takes the window from the settings', async () => {
    const proof = await signer.sign({ claims: { iat: nowSeconds - 300 } })
    expect(await send(dpopVerifier({ maxAgeSeconds: 300 }), proof)).toMatchObject({ jkt: signer.jkt })
    const ahead = await signer.sign({ claims: { iat: nowSeconds + 1 } })
    const refusal = await refusalOf(() => send(dpopVerifier({ maxFutureSeconds: 0 }), ahead))
    expect(refusal).toMatchObject({ code: 'ERR_PROOF_TIME' })
  })
})

describe('exp and nbf of a proof', () => {
  const nonce = { secrets: ['a secret of at least thirty-two bytes'], maxAgeSeconds: 300, onSuccess: false }

  it.each([
    ['exp', nowSeconds],
    ['exp', nowSeconds - 1],
    ['exp', 0],
    ['exp', -1e308],
    ['nbf', nowSeconds + 11],
    ['nbf', 1e308],
  ])('[REAL-09] [DPOP-09] refuses %s = %d at 1,800,000,000', async (name, value) => {
    const error = await refusalOfProof({ claims: { [name]: value } })
    expect(error).toMatchObject({ code: 'ERR_PROOF_TIME', status: 401, detail: name })
  })

  it.each([
    ['exp', 'soon'],
    ['exp', null],
    ['exp', `${nowSeconds + 60}`],
    ['nbf', [nowSeconds]],
    ['nbf', false],
  ])('[REAL-09] refuses %s = %j, which is no time', async (name, value) => {
    expect(await refusalOfProof({ claims: { [name]: value } })).toMatchObject({ code: 'ERR_PROOF_CLAIM', detail: name })
  })

  it.each([
    { exp: nowSeconds + 1 },
    { exp: nowSeconds + 0.5 },
    { nbf: nowSeconds },
    { nbf: nowSeconds + 10 },
    { exp: nowSeconds + 60, nbf: nowSeconds - 60 },
  ])('[REAL-09] accepts a proof within %j', async (claims) => {
    expect(await send(dpopVerifier(), await signer.sign({ claims }))).toMatchObject({ jkt: signer.jkt })
  })

  it('[REAL-09] holds for proofs with a server nonce too', async () => {
    const verifier = dpopVerifier({ nonce })
    const demand = await refusalOf(async () => send(verifier, await signer.sign()))
    const fresh = (demand as DpopNonceRequiredError).nonce
    for (const claims of [{ exp: nowSeconds }, { nbf: nowSeconds + 11 }]) {
      const proof = await signer.sign({ claims: { ...claims, nonce: fresh } })
      expect(await refusalOf(() => send(verifier, proof))).toMatchObject({ code: 'ERR_PROOF_TIME' })
    }
  })
})

describe('the order of checks', () => {
  it('[DPOP-14] names the first failure in the order field, header, signature, claims, time, hash, key', async () => {
    const wrong = { htm: 'PUT', htu: 'https://x.example/', iat: 1, ath: 'x' }
    const fixes = [
      [{}, 'ERR_PROOF_METHOD'],
      [{ htm: 'GET' }, 'ERR_PROOF_TARGET'],
      [{ htm: 'GET', htu: `${resource}/` }, 'ERR_PROOF_TIME'],
      [{ htm: 'GET', htu: `${resource}/`, iat: nowSeconds }, 'ERR_PROOF_TOKEN_HASH'],
      [{ htm: 'GET', htu: `${resource}/`, iat: nowSeconds, ath: sha256(accessToken) }, 'ERR_TOKEN_BINDING_MISMATCH'],
    ] as const
    for (const [fixed, code] of fixes) {
      const proof = await signer.sign({ claims: { ...wrong, ...fixed } })
      expect(await refusalOf(() => send(dpopVerifier(), proof, {}, 'another'))).toMatchObject({ code })
    }
  })

  it('[DPOP-14] asks the replay store about nothing but a proof that is good otherwise', async () => {
    const reserve = vi.fn(() => true)
    const verifier = dpopVerifier({ replayStore: { reserve } })
    const bad = [await signer.sign({ claims: { ath: 'x' } }), await signer.sign({ claims: { iat: 1 } })]
    for (const proof of bad) await refusalOf(() => send(verifier, proof))
    const good = await signer.sign()
    await refusalOf(() => send(verifier, good, {}, 'another key'))
    expect(reserve).not.toHaveBeenCalled()
    await send(verifier, good)
    expect(reserve).toHaveBeenCalledTimes(1)
  })
})

describe('the replay check', () => {
  it('[C-10] [DPOP-15] [REAL-12] reserves SHA-256 over jkt and jti, for the whole window, on account of the key', async () => {
    const reserve = vi.fn(() => true)
    const proof = await signer.sign({ claims: { jti: 'the jti' } })
    await send(dpopVerifier({ replayStore: { reserve } }), proof)
    expect(reserve).toHaveBeenCalledWith(sha256(`${signer.jkt}.the jti`), 71_000, signer.jkt)
  })

  it('[C-10] tells clients apart that happen on the same jti', async () => {
    const verifier = dpopVerifier()
    const other = await createProofSigner()
    const claims = { jti: 'same' }
    await send(verifier, await signer.sign({ claims }))
    expect(await send(verifier, await other.sign({ claims }), {}, other.jkt)).toMatchObject({ jkt: other.jkt })
  })

  it('[DPOP-15] tells about a replay in an event without any part of the proof', async () => {
    const events: PortcullisEvent[] = []
    const verifier = dpopVerifier({ onEvent: (event) => events.push(event) })
    const proof = await signer.sign()
    await send(verifier, proof)
    expect(await refusalOf(() => send(verifier, proof))).toMatchObject({ code: 'ERR_PROOF_REPLAYED', status: 401 })
    expect(events).toEqual([{ type: 'dpop.replayed', resource }])
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('connection lost'))],
    [
      'throws',
      () => {
        throw new Error('connection lost')
      },
    ],
  ])(
    '[C-10] [C-17] [REAL-44] answers 503 when the store %s, and tells so in an event without its text',
    async (_, reserve) => {
      const events: PortcullisEvent[] = []
      const settings = { replayStore: { reserve }, onEvent: (event: PortcullisEvent) => events.push(event) }
      expect(await refusalOfProof({}, settings)).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
      expect(events).toEqual([{ type: 'store.failed', store: 'replay', reason: 'Error', failedOpen: false }])
    },
  )

  it.each(['OK', 1, undefined, null])('[C-10] fails closed when the store answers %j', async (answer) => {
    const reserve = () => answer as unknown as boolean
    expect(await refusalOfProof({}, { replayStore: { reserve } })).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    const later = () => Promise.resolve(answer as unknown as boolean)
    expect(await refusalOfProof({}, { replayStore: { reserve: later } })).toMatchObject({ status: 503 })
  })

  it('[C-10] [C-17] fails closed when the store does not answer within 5 s', async () => {
    vi.useFakeTimers()
    try {
      const settled = vi.fn()
      let refusal: Promise<unknown> = Promise.resolve()
      await new Promise<void>((asked) => {
        const reserve = () => {
          asked()
          return new Promise<boolean>(() => {})
        }
        refusal = refusalOfProof({}, { replayStore: { reserve } }).finally(settled)
      })
      await vi.advanceTimersByTimeAsync(4999)
      expect(settled).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(1)
      expect(await refusal).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
    } finally {
      vi.useRealTimers()
    }
  })

  it('[C-10] lets proofs pass a failing store only where that dangerous option says so', async () => {
    const events: PortcullisEvent[] = []
    const verifier = dpopVerifier({
      replayStore: { reserve: () => Promise.reject('no error object') },
      dangerouslyAllowReplayWhenStoreFails: true,
      onEvent: (event) => events.push(event),
    })
    expect(await send(verifier, await signer.sign())).toMatchObject({ jkt: signer.jkt })
    expect(events).toEqual([{ type: 'store.failed', store: 'replay', reason: 'unknown', failedOpen: true }])
  })

  it('[C-10] refuses a replay also where store failures may pass', async () => {
    const settings = { replayStore: { reserve: async () => false }, dangerouslyAllowReplayWhenStoreFails: true }
    expect(await refusalOfProof({}, settings)).toMatchObject({ code: 'ERR_PROOF_REPLAYED' })
  })
})

describe('server nonces', () => {
  const nonce = { secrets: ['a secret of at least thirty-two bytes'], maxAgeSeconds: 300, onSuccess: false }

  async function demandedNonce(refusal: Promise<unknown>): Promise<string> {
    const error = await refusal
    expect(error).toBeInstanceOf(DpopNonceRequiredError)
    expect(error).toMatchObject({ status: 401, oauthError: 'use_dpop_nonce', code: 'ERR_PROOF_NONCE' })
    return (error as DpopNonceRequiredError).nonce
  }

  it('[DPOP-17] [DPOP-18] [DPOP-19] [E-09] demands a nonce, and accepts the one it gave', async () => {
    const fresh = await demandedNonce(refusalOfProof({}, { nonce }))
    const proof = await signer.sign({ claims: { nonce: fresh } })
    expect(await send(dpopVerifier({ nonce }), proof)).toEqual({ jkt: signer.jkt, responseHeaders: undefined })
  })

  it.each(['unknown', '', 7, null])('[DPOP-18] [E-09] answers nonce %j with a fresh one', async (value) => {
    expect(await demandedNonce(refusalOfProof({ claims: { nonce: value } }, { nonce }))).toMatch(/^\w+\.[\w-]{43}$/)
  })

  it('[DPOP-21] [DPOP-09] goes by the time in the nonce instead of iat', async () => {
    const time = { seconds: nowSeconds }
    const verifier = dpopVerifier({ nonce, clock: () => time.seconds * 1000 })
    const fresh = await demandedNonce(refusalOf(async () => send(verifier, await signer.sign())))
    const skewed = await signer.sign({ claims: { nonce: fresh, iat: nowSeconds - 86_400 } })
    expect(await send(verifier, skewed)).toMatchObject({ jkt: signer.jkt })
    const later = await signer.sign({ claims: { nonce: fresh, iat: nowSeconds + 301 } })
    time.seconds += 301
    await demandedNonce(refusalOf(() => send(verifier, later)))
  })

  it('[C-10] [DPOP-21] remembers a proof for the lifetime of its nonce', async () => {
    const reserve = vi.fn((_key: string, _ttlMs: number) => true)
    const verifier = dpopVerifier({ nonce, replayStore: { reserve } })
    const fresh = await demandedNonce(refusalOf(async () => send(verifier, await signer.sign())))
    await send(verifier, await signer.sign({ claims: { nonce: fresh } }))
    expect(reserve.mock.calls[0]?.[1]).toBeGreaterThanOrEqual(300_000)
  })

  it('[DPOP-17] [DPOP-20] sends exactly one nonce with a success where asked to, and no-store with it', async () => {
    const verifier = dpopVerifier({ nonce: { ...nonce, onSuccess: true } })
    const fresh = await demandedNonce(refusalOf(async () => send(verifier, await signer.sign())))
    const verified = await send(verifier, await signer.sign({ claims: { nonce: fresh } }))
    expect(verified.responseHeaders).toEqual({ 'DPoP-Nonce': fresh, 'Cache-Control': 'no-store' })
  })
})

describe('speed', () => {
  it('[DPOP-03] verifies the proof of a known key without leaving the call', async () => {
    const verifier = dpopVerifier()
    await send(verifier, await signer.sign())
    const second = send(verifier, await signer.sign())
    expect(second).not.toBeInstanceOf(Promise)
    expect(second).toMatchObject({ jkt: signer.jkt })
  })

  it('[DPOP-11] keeps only keys of proofs that proved good', async () => {
    const verifier = dpopVerifier()
    const stranger = await createProofSigner()
    await refusalOf(async () => send(verifier, await stranger.sign()))
    const again = send(verifier, await stranger.sign())
    expect(again).toBeInstanceOf(Promise)
    expect(await refusalOf(() => again)).toMatchObject({ code: 'ERR_TOKEN_BINDING_MISMATCH' })
  })
})

describe('what a refused proof explains', () => {
  it.each([
    [{ claims: { htm: 'POST' } }, 'ERR_PROOF_METHOD', 'GET', 'POST'],
    [
      { claims: { htu: 'https://other.example/x?secret=1' } },
      'ERR_PROOF_TARGET',
      [`${resource}/`],
      'https://other.example/x',
    ],
    [{ claims: { iat: 5 } }, 'ERR_PROOF_TIME', `from ${nowSeconds - 60} to ${nowSeconds + 10}`, 5],
    [{ claims: { exp: 5 } }, 'ERR_PROOF_TIME', `after ${nowSeconds}`, 5],
    [{ claims: { nbf: 3e9 } }, 'ERR_PROOF_TIME', `until ${nowSeconds + 10}`, 3e9],
    [{ claims: { ath: 'x' } }, 'ERR_PROOF_TOKEN_HASH', 'the hash of this token', 'another hash'],
    [{ claims: { jti: undefined } }, 'ERR_PROOF_CLAIM', 'jti', undefined],
    [{ header: { typ: 'JWT' } }, 'ERR_PROOF_MALFORMED', 'dpop+jwt', 'JWT'],
  ])('[REAL-40] says of %o what was expected and what came', async (overrides, code, expected, received) => {
    expect(await refusalOfProof(overrides)).toMatchObject({ code, expected, received })
  })

  it('[REAL-40] says which key the token names, which algorithms may sign, and that one proof is enough', async () => {
    const proof = await signer.sign()
    expect(await refusalOf(() => send(dpopVerifier(), proof, {}, 'another'))).toMatchObject({
      code: 'ERR_TOKEN_BINDING_MISMATCH',
      expected: 'another',
      received: signer.jkt,
    })
    expect(await refusalOfProof({}, { algorithms: ['PS256'] })).toMatchObject({
      expected: ['PS256'],
      received: 'ES256',
    })
    const twice = await refusalOf(() => send(dpopVerifier(), '', { headers: { dpop: [proof, proof] } }))
    expect(twice).toMatchObject({ expected: 'one proof', received: 'several' })
  })
})
