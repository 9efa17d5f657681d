import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toAnswer } from '../../src/resource-server/challenge/answer.js'
import { writeChallenge } from '../../src/resource-server/challenge/challenge.js'
import { parseChallenge } from '../support/parse-challenges.js'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('"', '\\', '\r', '\n', '\0', ',', '=', ' ', 'a', 'é', '\ud83d', '\x7f') }),
)
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const parameters = fc.record({
  resourceMetadata: fc.webUrl().chain((url) =>
    fc.oneof(
      fc.constant(url),
      text.map((tail) => url + tail),
    ),
  ),
  error: optional(
    fc.oneof(
      fc.constantFrom('invalid_token', 'use_dpop_nonce'),
      text.filter((error) => error !== ''),
    ),
  ),
  errorDescription: optional(text),
  scope: optional(text),
  acrValues: optional(fc.array(text)),
  maxAgeSeconds: optional(fc.nat()),
  algs: optional(fc.constant(['ES256', 'PS256'])),
})
const allowed: Readonly<Record<string, RegExp>> = {
  error: /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/,
  error_description: /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/,
  scope: /^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/,
  resource_metadata: /^[\x21\x23-\x5B\x5D-\x7E]+$/,
  acr_values: /^[\x20-\x7E]+$/,
  max_age: /^\d+$/,
  algs: /^ES256 PS256$/,
}

describe('challenges made of hostile texts', () => {
  it('[HTTP-05] [HTTP-07] [HTTP-08] [BEAR-07] [BEAR-08] read as one challenge with allowed values only', () => {
    fc.assert(
      fc.property(fc.constantFrom('Bearer' as const, 'DPoP' as const), parameters, (scheme, given) => {
        const parsed = parseChallenge(writeChallenge(scheme, given))
        expect(parsed.scheme).toBe(scheme)
        expect(parsed.parameters.has('resource_metadata')).toBe(true)
        expect(parsed.parameters.has('error')).toBe(given.error !== undefined)
        for (const [name, value] of parsed.parameters) expect(value, name).toMatch(allowed[name] as RegExp)
      }),
    )
  })

  it('[V-12] come back as they were given where they are well-formed', () => {
    const scope = fc.array(fc.stringMatching(/^[!#-[\]-~]+$/), { minLength: 1 })
    const description = fc.stringMatching(/^[ !#-[\]-~]+$/)
    const acrValues = fc.array(fc.stringMatching(/^[!-~]+$/), { minLength: 1 })
    fc.assert(
      fc.property(scope, description, acrValues, fc.webUrl(), (scopes, errorDescription, acr, resourceMetadata) => {
        const given = { error: 'x', errorDescription, scope: scopes.join(' '), acrValues: acr, resourceMetadata }
        const { parameters } = parseChallenge(writeChallenge('DPoP', { ...given, algs: ['ES256'] }))
        expect([...parameters]).toEqual([
          ['error', 'x'],
          ['acr_values', acr.join(' ')],
          ['scope', scopes.join(' ')],
          ['algs', 'ES256'],
          ['resource_metadata', resourceMetadata],
          ['error_description', errorDescription],
        ])
      }),
    )
  })

  it('[ADP-08] [E-14] never keep the answer from being made, whatever was thrown', () => {
    const context = {
      metadataUrl: 'https://api.example/',
      scope: 'a',
      scheme: 'Bearer' as const,
      bearerOffered: true,
      dpopAlgorithms: ['ES256'],
      cors: true,
    }
    const branded = fc
      .record({ status: fc.constantFrom(400, 401, 403, 503), oauthError: fc.anything(), demand: fc.anything() })
      .map((members) =>
        Object.assign(new Error('x'), { [Symbol.for('portcullis.PortcullisError')]: { family: 'auth' } }, members),
      )
    fc.assert(
      fc.property(fc.oneof(fc.anything(), branded), (thrown) => {
        const { status, headers } = toAnswer(thrown, context)
        expect(status).toBeGreaterThanOrEqual(400)
        expect(headers['Cache-Control']).toBe('no-store')
      }),
    )
  })
})
