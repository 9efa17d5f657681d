import { compactVerify, createLocalJWKSet, jwtVerify } from 'jose'
import { brokenJwts, createTestIssuer, deepJson } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { hasValidSignature } from '../../../src/testing/sign-compact.js'

const issuer = createTestIssuer()
const parts = issuer.tokenParts()
const broken = brokenJwts(parts)
const keySet = createLocalJWKSet({ keys: [{ ...parts.key.publicJwk, kty: 'EC' }] })

const encode = (text: string | Uint8Array) => Buffer.from(text).toString('base64url')
const [headerText, payloadText] = [JSON.stringify(parts.header), JSON.stringify(parts.payload)]
const [H, P] = [encode(headerText), encode(payloadText)]
const S = '[\\w-]{86}'
const cut = (text: string) => text.slice(0, -1)

/** What each of them is, to the last character but those of a signature. */
const written: Readonly<Record<string, string>> = {
  'one segment': H,
  'two segments': `${H}.${P}`,
  'four segments': `${H}.${P}.(${S}).\\1`,
  'five segments': `${H}.${P}.(${S}).\\1.\\1`,
  'an empty header': `.${P}.${S}`,
  'an empty payload': `${H}..${S}`,
  'an empty signature': `${H}.${P}.`,
  'padding after the header': `${H}=.${P}.${S}`,
  'padding after the payload': `${H}.${P}=.${S}`,
  'padding after the signature': `${H}.${P}.${S}=`,
  'white space in the payload': `${H}.${P.slice(0, 8)} ${P.slice(8)}.${S}`,
  'a character of no alphabet': `${H}.${P.slice(0, 8)}!${P.slice(8)}.${S}`,
  'a signature of a length no bytes encode to': `${H}.${P}.AAAAA`,
  'a signature with spare bits set': `${H}.${P}.[\\w-]{85}[BRhx]`,
  'a header that is no JSON': `${encode(cut(headerText))}.${P}.${S}`,
  'a header that is an array': `${encode(`[${headerText}]`)}.${P}.${S}`,
  'a payload that is no JSON': `${H}.${encode(cut(payloadText))}.${S}`,
  'a payload that is an array': `${H}.${encode(`[${payloadText}]`)}.${S}`,
  'a payload that is null': `${H}.${encode('null')}.${S}`,
  'a payload that is no UTF-8': `${H}.${encode(Buffer.from(`${cut(payloadText)},"invalid":"\xff"}`, 'latin1'))}.${S}`,
  'claims nested 1,000 levels deep': `${H}.${encode(`${cut(payloadText)},"deep":${deepJson(1000)}}`)}.${S}`,
}
const isPattern = (text: string) => new RegExp(`^${text.replace(/\.(?!\\|\()/g, '\\.').replaceAll('!', '!')}$`)

/** A decoder that forgives takes these for good tokens: only a strict parser stands in the way. */
const forgivable = [
  'padding after the header',
  'padding after the payload',
  'padding after the signature',
  'white space in the payload',
  'a character of no alphabet',
  'a signature with spare bits set',
]
/** Where a decoder that forgives is not, but the signature is good over what stands before it. */
const signed = Object.keys(written).filter((name) => !/segments?$|signature/.test(name))

describe('brokenJwts', () => {
  it('names at least twenty different defects', () => {
    expect(Object.keys(broken)).toEqual(Object.keys(written))
    expect(new Set(Object.values(broken)).size).toBe(Object.keys(broken).length)
  })

  it.each(Object.entries(written))('has %s', (name, text) => {
    expect(broken[name]).toMatch(isPattern(text))
  })

  it.each(signed)('signs what it wrote, so that only a parser refuses it: %s', (name) => {
    expect(hasValidSignature(broken[name] as string, parts.key)).toBe(true)
  })

  it.each(Object.keys(broken).filter((name) => !forgivable.includes(name) && !/deep|UTF-8/.test(name)))(
    'makes a token that jose refuses: %s',
    async (defect) => {
      await expect(jwtVerify(broken[defect] ?? '', keySet)).rejects.toThrow()
    },
  )

  it.each(signed.filter((name) => /payload that|claims/.test(name)))('has jose verify what has %s', async (defect) => {
    await expect(compactVerify(broken[defect] ?? '', keySet)).resolves.toBeDefined()
  })

  it.each(forgivable)('differs from a good token in nothing else: %s', (defect) => {
    const segments = (broken[defect] ?? '').split('.').map((segment) => Buffer.from(segment, 'base64url'))
    expect(JSON.parse(String(segments[0]))).toEqual(parts.header)
    expect(JSON.parse(String(segments[1]))).toEqual(parts.payload)
    expect(segments[2]).toHaveLength(64)
  })
})

describe('deepJson', () => {
  it('nests as many objects as told', () => {
    expect(deepJson(3)).toBe('{"a":{"a":{"a":1}}}')
  })
})
