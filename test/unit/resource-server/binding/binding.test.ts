import { beforeAll, describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../../src/errors/index.js'
import {
  type BindingRequest,
  type BindingSettings,
  createBinding,
  readConfirmation,
} from '../../../../src/resource-server/binding/binding.js'
import { derBase64, pem } from '../../../support/certificates.js'
import { attacker, victim } from '../../../support/envoy.js'
import {
  accessToken,
  createProofSigner,
  dpopSettings,
  type ProofSigner,
  refusalOf,
  resource,
  sha256,
} from '../../../support/proofs.js'
import { type FactsOverrides, requestFacts } from '../../../support/request-facts.js'

const certificate = Buffer.from(derBase64, 'base64')
const x5t = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0'
const anyMode = { dpop: 'allowed', mtls: 'allowed' } as const

let signer: ProofSigner

beforeAll(async () => {
  signer = await createProofSigner()
})

function binding(overrides: Partial<BindingSettings> = {}) {
  const dpop = dpopSettings()
  const surroundings = { clock: dpop.clock, onEvent: undefined }
  const mtls = { certificateFrom: 'connection' } as const
  return createBinding({ dpop, mtls, replayStore: dpop.replayStore, trustedProxies: [], surroundings, ...overrides })
}

function request(overrides: Partial<BindingRequest> = {}): BindingRequest {
  return {
    facts: requestFacts(),
    scheme: 'Bearer',
    token: accessToken,
    tokenHash: sha256(accessToken),
    confirmation: undefined,
    modes: anyMode,
    resource,
    ...overrides,
  }
}

async function withProof(facts: FactsOverrides = {}) {
  return requestFacts({ ...facts, headers: { dpop: await signer.sign() } })
}

function refusal(overrides: Partial<BindingRequest>) {
  return refusalOf(() => binding().check(request(overrides)))
}

describe('an unbound token', () => {
  it('passes as Bearer at once', () => {
    expect(binding().check(request())).toEqual({ confirmation: undefined, responseHeaders: undefined })
  })

  it('[C-14] passes with a stray DPoP field, good or not', async () => {
    const headers = { dpop: 'junk' }
    expect(binding().check(request({ facts: requestFacts({ headers }) }))).toMatchObject({ confirmation: undefined })
    expect(binding().check(request({ facts: await withProof() }))).toMatchObject({ confirmation: undefined })
  })

  it('[C-13] [E-10] is refused under the DPoP scheme, good proof or not', async () => {
    for (const facts of [await withProof(), requestFacts()]) {
      const error = await refusal({ scheme: 'DPoP', facts })
      expect(error).toMatchObject({ code: 'ERR_TOKEN_UNBOUND', status: 401, oauthError: 'invalid_token' })
    }
  })

  it('[DPOP-26] [SEC-02] [C-14] is refused where DPoP is required, with a proof beside it too', async () => {
    for (const facts of [await withProof(), requestFacts()]) {
      const error = await refusal({ facts, modes: { dpop: 'required', mtls: 'allowed' } })
      expect(error).toMatchObject({ code: 'ERR_TOKEN_UNBOUND', oauthError: 'invalid_token' })
    }
  })

  it('[C-15] passes where both ways of binding are off, with a certificate on the connection too', () => {
    const modes = { dpop: 'off', mtls: 'off' } as const
    for (const facts of [requestFacts(), requestFacts({ certificate })]) {
      expect(binding().check(request({ facts, modes }))).toEqual({
        confirmation: undefined,
        responseHeaders: undefined,
      })
    }
  })

  it('[MTLS-06] [SEC-02] is refused where mTLS is required, with a certificate too', async () => {
    const facts = requestFacts({ certificate })
    const error = await refusal({ facts, modes: { dpop: 'allowed', mtls: 'required' } })
    expect(error).toMatchObject({ code: 'ERR_TOKEN_UNBOUND', detail: 'no x5t#S256' })
  })
})

describe('a token bound to a DPoP key', () => {
  it('[DPOP-11] [DPOP-12] [S4-42] passes with its proof', async () => {
    const confirmation = { jkt: signer.jkt }
    const result = await binding().check(request({ scheme: 'DPoP', confirmation, facts: await withProof() }))
    expect(result).toEqual({ confirmation, responseHeaders: undefined })
  })

  it('[DPOP-12] [E-08] gets nowhere without a proof', async () => {
    const error = await refusal({ scheme: 'DPoP', confirmation: { jkt: signer.jkt } })
    expect(error).toMatchObject({ code: 'ERR_PROOF_MISSING', oauthError: 'invalid_dpop_proof' })
  })

  it.each(['off', 'allowed', 'required'] as const)(
    '[DPOP-13] [E-07] is refused as Bearer where DPoP is %s, a good proof beside it or not',
    async (dpop) => {
      for (const facts of [await withProof(), requestFacts()]) {
        const confirmation = { jkt: signer.jkt }
        const error = await refusal({ facts, confirmation, modes: { dpop, mtls: 'allowed' } })
        expect(error).toMatchObject({ code: 'ERR_TOKEN_BOUND', status: 401, oauthError: 'invalid_token' })
      }
    },
  )

  it('[HTTP-11] is not even looked at under the DPoP scheme where DPoP is off', async () => {
    const error = await refusal({
      scheme: 'DPoP',
      confirmation: { jkt: signer.jkt },
      facts: await withProof(),
      modes: { dpop: 'off', mtls: 'allowed' },
    })
    expect(error).toMatchObject({ code: 'ERR_TOKEN_MISSING', oauthError: undefined })
  })

  it('[MTLS-06] does not make up for a certificate that is required', async () => {
    const error = await refusal({
      scheme: 'DPoP',
      confirmation: { jkt: signer.jkt },
      facts: await withProof({ certificate }),
      modes: { dpop: 'allowed', mtls: 'required' },
    })
    expect(error).toMatchObject({ code: 'ERR_TOKEN_UNBOUND', detail: 'no x5t#S256' })
  })

  it('[DPOP-20] passes nonces on to the success answer', async () => {
    const nonce = { secrets: ['a secret of at least thirty-two bytes'], maxAgeSeconds: 300, onSuccess: true }
    const checks = binding({ dpop: dpopSettings({ nonce }) })
    const confirmation = { jkt: signer.jkt }
    const first = await refusalOf(async () =>
      checks.check(request({ scheme: 'DPoP', confirmation, facts: await withProof() })),
    )
    const given = (first as { nonce: string }).nonce
    const facts = requestFacts({ headers: { dpop: await signer.sign({ claims: { nonce: given } }) } })
    const { responseHeaders } = await checks.check(request({ scheme: 'DPoP', confirmation, facts }))
    expect(responseHeaders).toEqual({ 'DPoP-Nonce': given, 'Cache-Control': 'no-store' })
  })
})

describe('a token bound to a certificate', () => {
  const confirmation = { 'x5t#S256': x5t }

  it.each(['allowed', 'required'] as const)('[MTLS-01] passes with that certificate where mTLS is %s', async (mtls) => {
    const facts = requestFacts({ certificate })
    const result = binding().check(request({ facts, confirmation, modes: { dpop: 'allowed', mtls } }))
    expect(await result).toEqual({ confirmation, responseHeaders: undefined })
  })

  it('[MTLS-01] [E-11] [REAL-40] is refused with another certificate, and with none', async () => {
    const other = Buffer.from(certificate)
    other[100] = 0
    const cases = [
      [requestFacts({ certificate: other }), expect.stringMatching(/^[\w-]{43}$/)],
      [requestFacts(), 'no certificate'],
    ] as const
    for (const [facts, received] of cases) {
      const error = await refusal({ facts, confirmation })
      expect(error).toMatchObject({ code: 'ERR_TOKEN_CERTIFICATE', status: 401, oauthError: 'invalid_token' })
      expect(error).toMatchObject({ expected: x5t, received })
      expect(error).not.toMatchObject({ received: x5t })
    }
  })

  it('[MTLS-04] reads the certificate from the configured field of a trusted proxy', async () => {
    const checks = binding({ mtls: { certificateFrom: 'nginx' }, trustedProxies: ['10.0.0.0/8'] })
    const headers = { 'x-ssl-client-cert': encodeURIComponent(pem) }
    const trusted = requestFacts({ headers, remoteAddress: '10.0.0.1' })
    expect(await checks.check(request({ facts: trusted, confirmation }))).toMatchObject({ confirmation })
    const stranger = requestFacts({ headers, remoteAddress: '203.0.113.9', certificate })
    const error = await refusalOf(() => checks.check(request({ facts: stranger, confirmation })))
    expect(error).toMatchObject({ code: 'ERR_TOKEN_CERTIFICATE', detail: 'the peer is not a trusted proxy' })
  })

  it('[REAL-11] holds both what Envoy says of the certificate and its hash against the token', async () => {
    const checks = binding({ mtls: { certificateFrom: 'xfcc' }, trustedProxies: ['::1'] })
    const outcome = (value: string) => {
      const facts = requestFacts({ headers: { 'x-forwarded-client-cert': value }, remoteAddress: '::1' })
      return checks.check(request({ facts, confirmation }))
    }
    const cert = encodeURIComponent(pem)
    for (const value of [`Hash=${victim.hex}`, `Cert="${cert}"`, `Hash=${victim.hex};Cert="${cert}"`]) {
      expect(await outcome(value)).toMatchObject({ confirmation })
    }
    for (const value of [
      `Hash=${attacker.hex}`,
      `Hash=${attacker.hex};Cert="${cert}"`,
      `Hash=${victim.hex};Cert="${attacker.escapedPem}"`,
    ]) {
      expect(await refusalOf(() => outcome(value))).toMatchObject({ detail: 'another certificate' })
    }
  })

  it('[MTLS-06] does not make up for DPoP that is required', async () => {
    const facts = requestFacts({ certificate })
    const error = await refusal({ facts, confirmation, modes: { dpop: 'required', mtls: 'allowed' } })
    expect(error).toMatchObject({ code: 'ERR_TOKEN_UNBOUND', detail: 'no jkt' })
  })

  it('[C-15] is refused where mTLS is off: nobody would check it', async () => {
    const facts = requestFacts({ certificate })
    const error = await refusal({ facts, confirmation, modes: { dpop: 'allowed', mtls: 'off' } })
    expect(error).toMatchObject({ code: 'ERR_TOKEN_CONFIRMATION', oauthError: 'invalid_token' })
  })
})

describe('a token bound to both', () => {
  const both = () => ({ jkt: signer.jkt, 'x5t#S256': x5t })

  it('[MTLS-06] passes when both hold', async () => {
    const facts = await withProof({ certificate })
    const modes = { dpop: 'required', mtls: 'required' } as const
    const result = await binding().check(request({ scheme: 'DPoP', confirmation: both(), facts, modes }))
    expect(result.confirmation).toEqual(both())
  })

  it('[MTLS-06] is refused when either lacks', async () => {
    const noCertificate = await refusal({ scheme: 'DPoP', confirmation: both(), facts: await withProof() })
    expect(noCertificate).toMatchObject({ code: 'ERR_TOKEN_CERTIFICATE' })
    const facts = requestFacts({ certificate })
    expect(await refusal({ scheme: 'DPoP', confirmation: both(), facts })).toMatchObject({ code: 'ERR_PROOF_MISSING' })
    expect(await refusal({ scheme: 'Bearer', confirmation: both(), facts })).toMatchObject({ code: 'ERR_TOKEN_BOUND' })
  })

  it('[DPOP-14] does not use up the proof when the certificate is wrong', async () => {
    const checks = binding()
    const dpop = await signer.sign()
    const asBoth = { scheme: 'DPoP', confirmation: both() } as const
    const without = request({ ...asBoth, facts: requestFacts({ headers: { dpop } }) })
    await refusalOf(() => checks.check(without))
    const facts = requestFacts({ headers: { dpop }, certificate })
    expect(await checks.check(request({ ...asBoth, facts }))).toMatchObject({ confirmation: both() })
  })
})

describe('a token bound in another way', () => {
  it('[C-15] is held to the key it names as well, whatever stands beside it', async () => {
    const confirmation = { jkt: signer.jkt, 'kc.binding': 'x' }
    const asDpop = { scheme: 'DPoP', confirmation } as const
    const result = await binding().check(request({ ...asDpop, facts: await withProof() }))
    expect(result.confirmation).toEqual({ jkt: signer.jkt })
    expect(await refusal(asDpop)).toMatchObject({ code: 'ERR_PROOF_MISSING' })
    expect(await refusal({ confirmation })).toMatchObject({ code: 'ERR_TOKEN_BOUND' })
    expect(await refusal({ confirmation, unknownConfirmation: 'ignore' })).toMatchObject({ code: 'ERR_TOKEN_BOUND' })
  })

  it('[C-15] is refused, and passes as unbound only where the issuer says so', async () => {
    const confirmation = { jwe: 'x' }
    expect(await refusal({ confirmation })).toMatchObject({ code: 'ERR_TOKEN_CONFIRMATION', status: 401 })
    const ignored = binding().check(request({ confirmation, unknownConfirmation: 'ignore' }))
    expect(ignored).toMatchObject({ confirmation: undefined })
    const modes = { dpop: 'required', mtls: 'allowed' } as const
    expect(await refusal({ confirmation, unknownConfirmation: 'ignore', modes })).toMatchObject({
      code: 'ERR_TOKEN_UNBOUND',
    })
  })
})

describe('outside of HTTP', () => {
  it('[DPOP-13] refuses every bound token, by either scheme', async () => {
    const facts = undefined
    const jktBound = { facts, confirmation: { jkt: signer.jkt } }
    expect(await refusal(jktBound)).toMatchObject({ code: 'ERR_TOKEN_BOUND', expected: 'DPoP', received: 'Bearer' })
    expect(await refusal({ ...jktBound, scheme: 'DPoP' })).toMatchObject({
      code: 'ERR_TOKEN_BOUND',
      expected: 'a proof',
      received: 'no HTTP request',
    })
    const error = await refusal({ facts, confirmation: { 'x5t#S256': x5t } })
    expect(error).toMatchObject({
      code: 'ERR_TOKEN_CERTIFICATE',
      detail: 'no HTTP request',
      expected: x5t,
      received: 'no certificate',
    })
  })

  it('lets unbound tokens pass', () => {
    expect(binding().check(request({ facts: undefined }))).toMatchObject({ confirmation: undefined })
  })
})

describe('what a refused binding explains', () => {
  const required = { dpop: 'allowed', mtls: 'required' } as const

  it.each<[Partial<BindingRequest>, object]>([
    [
      { scheme: 'DPoP', modes: { dpop: 'off', mtls: 'off' } },
      { detail: 'DPoP is off', expected: 'Bearer', received: 'DPoP' },
    ],
    [{ scheme: 'DPoP' }, { detail: 'no jkt', expected: 'jkt', received: 'DPoP' }],
    [{ modes: required }, { detail: 'no x5t#S256', expected: 'x5t#S256', received: 'no certificate named' }],
    [
      { confirmation: { 'x5t#S256': x5t }, modes: { dpop: 'allowed', mtls: 'off' } },
      { detail: 'mTLS is off', expected: 'no x5t#S256', received: 'x5t#S256' },
    ],
    [{ confirmation: 7 }, { detail: 'cnf is no object with members', expected: 'an object with members', received: 7 }],
    [
      { confirmation: { jkt: 7 } },
      { detail: 'a member of cnf is no string', expected: 'a text that is not empty', received: 7 },
    ],
    [
      { confirmation: { kid: 'a' } },
      { detail: 'cnf has no member known here', expected: ['jkt', 'x5t#S256'], received: ['kid'] },
    ],
    [
      { confirmation: { 'x5t#S256': x5t } },
      { detail: 'no certificate on the connection', expected: x5t, received: 'no certificate' },
    ],
  ])('[REAL-40] says of %o what was expected and what came', async (overrides, explanation) => {
    expect(await refusal(overrides)).toMatchObject(explanation)
  })

  it('names the option that wants proxies named', () => {
    expect(() => binding({ dpop: dpopSettings({ targetOrigin: 'forwarded' }) })).toThrow(
      "`dpop.targetOrigin: 'forwarded'` needs `trustedProxies`: name your proxies.",
    )
    expect(() => binding({ mtls: { certificateFrom: 'xfcc' } })).toThrow(
      "`mtls.certificateFrom: 'xfcc'` needs `trustedProxies`: name your proxies.",
    )
  })
})

describe('createBinding', () => {
  it.each(['forwarded', 'x-forwarded'] as const)('[DPOP-08] [SEC-04] wants proxies named for %s', (targetOrigin) => {
    expect(() => binding({ dpop: dpopSettings({ targetOrigin }) })).toThrow(ConfigurationError)
    expect(() => binding({ dpop: dpopSettings({ targetOrigin }) })).toThrow(/needs `trustedProxies`/)
    expect(() => binding({ dpop: dpopSettings({ targetOrigin }), trustedProxies: ['::1'] })).not.toThrow()
  })

  it.each(['rfc9440', 'xfcc', 'nginx', 'aws'] as const)('[MTLS-04] wants proxies named for %s', (certificateFrom) => {
    expect(() => binding({ mtls: { certificateFrom } })).toThrow(/needs `trustedProxies`/)
    expect(() => binding({ mtls: { certificateFrom }, trustedProxies: ['::1'] })).not.toThrow()
  })

  it('[SEC-04] refuses a wrong proxy at once', () => {
    expect(() => binding({ trustedProxies: ['proxy.internal'] })).toThrow(ConfigurationError)
  })
})

const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
const thumbprint = 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2'

describe('readConfirmation', () => {
  it('[C-15] finds no binding in a token without cnf', () => {
    expect(readConfirmation(undefined, 'refuse')).toBeUndefined()
  })

  it('[MTLS-06] [DPOP-11] reads both known members, the non-canonical sample of RFC 8705 §3.1 included', () => {
    expect(readConfirmation({ jkt }, 'refuse')).toEqual({ jkt })
    expect(readConfirmation({ 'x5t#S256': thumbprint }, 'refuse')).toEqual({ 'x5t#S256': thumbprint })
    const both = readConfirmation({ jkt, 'x5t#S256': thumbprint }, 'refuse')
    expect(both).toEqual({ jkt, 'x5t#S256': thumbprint })
    expect(Object.isFrozen(both)).toBe(true)
  })

  it.each([
    null,
    'text',
    7,
    true,
    [],
    [{ jkt }],
    {},
    { jkt: '' },
    { jkt: null },
    { jkt: [jkt] },
    { 'x5t#S256': 7 },
    { jkt, 'x5t#S256': '' },
    { kid: 'a', jkt: 7 },
    { kid: 'a', 'x5t#S256': {} },
  ])('[C-15] refuses %j, whatever is to be ignored', (cnf) => {
    for (const unknownMembers of ['refuse', 'ignore'] as const) {
      expect(() => readConfirmation(cnf, unknownMembers)).toThrow(
        expect.objectContaining({ code: 'ERR_TOKEN_CONFIRMATION', status: 401, oauthError: 'invalid_token' }),
      )
    }
  })

  it.each([
    { kid: 'a' },
    { jwk: {} },
    { JKT: jkt },
    { 'x5t#s256': thumbprint, kid: 'a' },
    JSON.parse('{"__proto__":{"jkt":"a"}}'),
  ])('[C-15] refuses %j, which has no member that can be checked', (cnf) => {
    expect(() => readConfirmation(cnf, 'refuse')).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_CONFIRMATION' }))
  })

  it.each(['refuse', 'ignore'] as const)('[C-15] enforces known members and ignores others beside them: %s', (rule) => {
    expect(readConfirmation({ jkt, kid: 'a' }, rule)).toEqual({ jkt })
    expect(readConfirmation({ jwk: { kty: 'EC' }, 'x5t#S256': thumbprint, osc: null }, rule)).toEqual({
      'x5t#S256': thumbprint,
    })
    expect(readConfirmation({ kid: 'a', 'x5t#S256': thumbprint, jkt }, rule)).toEqual({ jkt, 'x5t#S256': thumbprint })
  })

  it('[C-15] takes unknown members alone for no binding only where told to', () => {
    expect(readConfirmation({ kid: 'a' }, 'ignore')).toBeUndefined()
  })
})
