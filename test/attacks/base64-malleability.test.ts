import { createHash } from 'node:crypto'
import { brokenJwts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createAttackedServer } from '../support/attacked-server.js'

describe('second spellings of a token', () => {
  it('[C-29] [JOSE-01] [JOSE-02] refuses every malformed token, each under a good signature where one can be made', async () => {
    const { issuer, call } = createAttackedServer()
    const broken = Object.entries(brokenJwts(issuer.tokenParts()))
    expect(broken.length).toBeGreaterThan(15)
    for (const [defect, token] of broken) {
      expect(await call(token), defect).toMatch(
        /^40[01] ERR_(TOKEN_(MALFORMED|UNRECOGNISED|SIGNATURE|TOO_LARGE)|REQUEST_MALFORMED)$/,
      )
    }
  })

  it('[C-29] accepts exactly one spelling of each segment, before and after the token is known', async () => {
    for (let round = 0; round < 4; round++) {
      const { issuer, call } = createAttackedServer()
      const token = issuer.mintToken({ pad: 'x'.repeat(round) }, { header: { pad: 'x'.repeat(round) } })
      for (let times = 0; times < 2; times++) {
        for (const spelling of respellings(token)) {
          expect(await call(spelling), hash(spelling)).toMatch(
            /^40[01] ERR_(TOKEN_(MALFORMED|UNRECOGNISED)|REQUEST_MALFORMED)$/,
          )
        }
        expect(await call(token)).toBe('ok')
      }
    }
  })

  it('[HTTP-03] distinguishes letter case', async () => {
    const { issuer, call } = createAttackedServer()
    const token = issuer.mintToken()
    expect(await call(token)).toBe('ok')
    for (const other of [token.toUpperCase(), token.toLowerCase(), swapCase(token)])
      expect(await call(other)).not.toBe('ok')
  })

  it('[JOSE-02] refuses blanks, control characters and look-alikes anywhere', async () => {
    const { issuer, call } = createAttackedServer()
    const token = issuer.mintToken()
    for (const text of [
      ' ',
      '\t',
      '\r\n',
      '\0',
      '\u00a0',
      '\u2028',
      '\ufeff',
      '。',
      'ａ',
      'é',
      '%2E',
      '"',
      '{',
      '=',
      '/',
      '+',
    ]) {
      for (const at of [0, 1, token.indexOf('.'), token.indexOf('.') + 1, token.lastIndexOf('.'), token.length]) {
        const spoilt = token.slice(0, at) + text + token.slice(at)
        if (text === ' ' && at === 0) continue
        expect(await call(spoilt), JSON.stringify(text)).toMatch(
          /^40[01] ERR_(TOKEN_(MALFORMED|UNRECOGNISED)|REQUEST_MALFORMED)$/,
        )
      }
    }
  })
})

/** Strings a lax decoder reads as the same three segments. */
function respellings(token: string): string[] {
  const segments = token.split('.')
  const spare = segments.flatMap((segment, index) =>
    withSpareBits(segment).map((other) => replaced(segments, index, other)),
  )
  const padded = segments.map((segment, index) => replaced(segments, index, `${segment}=`))
  const classic = token.replaceAll('-', '+').replaceAll('_', '/')
  return [...spare, ...padded, `${token}==`, `${token}.`, `.${token}`, ...(classic === token ? [] : [classic])]
}

function replaced(segments: readonly string[], at: number, segment: string): string {
  return segments.map((one, index) => (index === at ? segment : one)).join('.')
}

function withSpareBits(segment: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const bytes = Buffer.from(segment, 'base64url')
  return [...alphabet]
    .map((letter) => segment.slice(0, -1) + letter)
    .filter((other) => other !== segment && Buffer.from(other, 'base64url').equals(bytes))
}

function swapCase(text: string): string {
  return [...text]
    .map((letter) => (letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase()))
    .join('')
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
