import fc from 'fast-check'
import { type Challenge, readChallenges } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { quoted } from '../../src/http/header-value.js'
import { writeChallenge } from '../../src/resource-server/challenge/challenge.js'
import { parseChallenge } from '../support/parse-challenges.js'

const junk = fc.string({
  unit: fc.constantFrom('"', '\\', ',', '=', ' ', '\t', 'a', 'B', '-', '/', 'é', '\0', 'x=', 'Bearer ', 'DPoP', '", '),
})
const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}$/)
const text = fc.string({ unit: fc.constantFrom('"', '\\', ',', '=', ' ', '\t', 'a', 'é', ';') })
const parameters = fc.uniqueArray(fc.tuple(token, text), { selector: ([name]) => name.toLowerCase(), maxLength: 5 })
const challenge = fc.record({ scheme: token, parameters })
const blank = fc.constantFrom('', ' ', '\t', ' \t ')

type Written = { readonly scheme: string; readonly parameters: readonly (readonly [string, string])[] }

const quote = (value: string) => `"${value.replace(/["\\]/g, '\\$&')}"`
const expected = ({ scheme, parameters }: Written): Challenge => ({
  scheme: scheme.toLowerCase(),
  parameters: new Map(parameters.map(([name, value]) => [name.toLowerCase(), value])),
  token68: undefined,
})

describe('readChallenges', () => {
  it('[HTTP-06] never throws, and reads only schemes and names that are tokens', () => {
    const isToken = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
    fc.assert(
      fc.property(fc.oneof(junk, fc.string({ unit: 'binary' }), fc.array(junk)), (fields) => {
        for (const { scheme, parameters, token68 } of readChallenges(fields)) {
          expect(scheme).toMatch(isToken)
          for (const name of parameters.keys()) expect(name).toMatch(isToken)
          expect(token68 !== undefined && parameters.size > 0).toBe(false)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('[HTTP-05] [HTTP-06] reads back every list that the grammar can write, however it is spaced and split', () => {
    fc.assert(
      fc.property(fc.array(challenge), blank, blank, fc.boolean(), (challenges, before, after, split) => {
        const items = challenges.flatMap(({ scheme, parameters }) => {
          const pairs = parameters.map(([name, value]) => `${name}${before}=${after}${quote(value)}`)
          return pairs.length === 0 ? [scheme] : [`${scheme} ${pairs[0]}`, ...pairs.slice(1)]
        })
        const fields = split ? items : items.join(`${before},${after},`)
        expect(readChallenges(fields)).toEqual(challenges.map(expected))
      }),
    )
  })

  it('[HTTP-06] reads what this library writes, one challenge or several', () => {
    const schemes = fc.constantFrom('Bearer' as const, 'DPoP' as const)
    const given = fc.record({
      resourceMetadata: fc.webUrl(),
      error: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
      errorDescription: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
      acrValues: fc.array(fc.string()),
      maxAgeSeconds: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(fc.tuple(schemes, given), { minLength: 1 }), (challenges) => {
        const written = challenges.map(([scheme, parameters]) => writeChallenge(scheme, parameters))
        const strict = written.map((value) => parseChallenge(value))
        const read = readChallenges(written)
        expect(read).toEqual(strict.map(({ scheme, parameters }) => expected({ scheme, parameters: [...parameters] })))
        expect(readChallenges(written.join(','))).toEqual(read)
      }),
    )
  })

  it('[HTTP-05] [HTTP-07] reads every value the writer can quote', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]*$/), (value) => {
        expect(readChallenges(`X y=${quoted(value)}`)[0]?.parameters.get('y')).toBe(value)
      }),
    )
  })

  it.each(['"', 'a', 'a=', 'a ', ' ', ',', '"a",', 'a b=', 'a "', '\\', 'a="\\', '=', 'a=b ', '\t'])(
    '[HTTP-06] takes time linear in a field made of %j',
    (unit) => {
      const text = `Bearer ${unit.repeat(Math.floor(16_000 / unit.length))}`
      const msOfOne = () => {
        const start = process.hrtime.bigint()
        readChallenges(text)
        return Number(process.hrtime.bigint() - start) / 1e6
      }
      // The shortest: it had the processor to itself.
      expect(Math.min(...Array.from({ length: 10 }, msOfOne))).toBeLessThan(50)
    },
  )
})
