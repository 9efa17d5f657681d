import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRedact, redactedCause, secretsOf } from '../../../src/client/redaction.js'

/** Too short for the rules about long keys and JWTs: only knowing the secret masks it. */
const secret = fc
  .string({ unit: 'grapheme', minLength: 4, maxLength: 12 })
  .filter((text) => /\S{4}/.test(text) && Buffer.from(text).toString() === text)

const base64 = (text: string) => Buffer.from(text).toString('base64')
const spellings: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in lower case': (text) => encodeURIComponent(text).replace(/%../g, (hex) => hex.toLowerCase()),
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'form-encoded': (text) => new URLSearchParams([['', text]]).toString().slice(1),
  base64,
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'base64 in a form': (text) => encodeURIComponent(base64(text)),
  'JSON-escaped': (text) => JSON.stringify(text).slice(1, -1),
  'JSON-escaped twice': (text) => JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1),
  'JSON-escaped with slashes': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'JSON-escaped to ASCII': (text) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'HTML-escaped': (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`),
}

describe('redaction', () => {
  it.each(Object.entries(spellings))('[REAL-16] knows a secret %s', (_name, spell) => {
    fc.assert(
      fc.property(secret, (text) => {
        const spelled = spell(text)
        const seen = createRedact([text])(`x ${spelled} y`)
        expect(seen).toMatch(/^x (\[redacted\])+ y$/)
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['user:', ''],
    ['a', 'bc'],
    ['', 'b'],
  ])('[REAL-16] knows it in the base64 of %s, the secret and %s', (before, after) => {
    fc.assert(
      fc.property(secret, (text) => {
        const seen = createRedact([text])(`x ${base64(before + text + after)} y`)
        const left = Math.ceil((before.length * 8) / 6)
        const right = Math.ceil((after.length * 8) / 6)
        expect(seen).toMatch(new RegExp(`^x [\\w+/]{0,${left}}(\\[redacted\\])+[\\w+/]{0,${right}}={0,2} y$`))
      }),
    )
  })

  it('[REAL-16] keeps what is no secret, and masks a long one wherever it is cut off', () => {
    expect(createRedact(['p@ss'])('the pass of a p and an ss')).toBe('the pass of a p and an ss')
    expect(createRedact([])('nothing is hidden')).toBe('nothing is hidden')
    const long = 'ab c/'.repeat(1000)
    const seen = createRedact([long])(`x ${long.slice(0, 2048)}`)
    expect(seen).not.toContain('ab c')
  })

  it('[REAL-16] takes every header field for a secret but those that cannot be', () => {
    expect(secretsOf({ 'x-api-key': 'gateway-key', 'user-agent': 'portcullis', accept: 'text/html' }, '')).toEqual([
      'gateway-key',
    ])
    expect(secretsOf({ authorization: `Basic ${btoa('app:a:b:c')}` }, '')).toContain('a:b:c')
    const statement = '{"software_statement":"the.signed.statement","client_name":"a=b"}'
    expect(secretsOf({}, statement)).toEqual(['the.signed.statement'])
    expect(secretsOf({}, '{"client_name":"mine"}')).toEqual([])
  })

  it('says nothing of a value that is no error', () => {
    expect(redactedCause({ secret: 'x' }, createRedact([])).message).toBe('A value that is no error was thrown')
  })
})
