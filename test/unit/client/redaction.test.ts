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

  it.each([
    ['as it is', 'pa\\\\ss'],
    ['JSON-escaped', 'pa\\\\\\\\ss'],
    ['percent-encoded', 'pa%5C%5css'],
    ['HTML-escaped', 'pa&#92;&#92;ss'],
    ['as JSON escapes of code units', 'pa\\u005c\\u005Css'],
  ])('[REAL-16] knows a secret with backslashes %s', (_name, spelled) => {
    expect(createRedact(['pa\\\\ss'])(`x ${spelled} y`)).toBe('x [redacted] y')
  })

  it.each([
    ['escaped for JSON', '\b\t\n\f\r"/', '\\b\\t\\n\\f\\r\\"\\/'],
    ['escaped for JSON twice', '\b\t\n\f\r', '\\\\b\\\\t\\\\n\\\\f\\\\r'],
    ['percent-encoded', '\b\t\n', '%08%09%0a'],
    ['named in HTML', '<>&"\'', '&lt;&gt;&amp;&quot;&apos;'],
  ])('[REAL-16] knows what few secrets hold, %s', (_name, secret, spelled) => {
    expect(createRedact([`pa${secret}ss`])(`x pa${spelled}ss y`)).toBe('x [redacted] y')
  })

  it('[REAL-16] looks for no base64 of what is too short to be told from other text', () => {
    expect(createRedact(['ab'])('YW ab')).toBe('YW [redacted]')
    expect(createRedact(['abc'])('YWJj')).toBe('[redacted]')
    expect(createRedact(['', 'abcd'])('an abcd')).toBe('an [redacted]')
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

describe('what redaction knows', () => {
  it('knows the secrets of a request: credentials, proofs, and every form field that is not public', () => {
    const basic = `Basic ${btoa('app:p%40ss+word')}`
    expect(
      secretsOf({ Authorization: basic, DPoP: 'a.b.c.d' }, 'grant_type=x&scope=read&token=the-token&pin=12'),
    ).toEqual([btoa('app:p%40ss+word'), 'p%40ss+word', 'p@ss word', 'a.b.c.d', 'the-token'])
    expect(secretsOf({ authorization: 'Bearer the-token', accept: 'application/json' }, '')).toEqual(['the-token'])
    for (const text of ['not*base64', '*abcdefg', 'abcdefg*', 'abcde']) {
      expect(secretsOf({ authorization: `Basic ${text}` }, '')).toEqual([text])
    }
    expect(secretsOf({ authorization: `Basic ${btoa('no-colon')}` }, '')).toEqual([btoa('no-colon')])
    expect(secretsOf({ authorization: '' }, '')).toEqual([])
    expect(secretsOf({ authorization: '', 'x-pin': '123' }, 'token=abcd')).toEqual(['abcd'])
    expect(secretsOf({ authorization: `Bearer ${btoa('app:secret')}` }, '')).toEqual([btoa('app:secret')])
  })

  it('takes the value of no public field for a secret, and that of any other for one', () => {
    const open = [
      ...['actor_token_type', 'audience', 'client_assertion_type', 'client_id', 'code_challenge'],
      ...['code_challenge_method', 'grant_type', 'redirect_uri', 'requested_token_type', 'resource'],
      ...['response_type', 'scope', 'subject_token_type', 'token_type_hint'],
    ]
    const others = ['code', 'code_verifier', 'subject_token', 'actor_token', 'client_assertion', 'state', 'pin']
    const form = new URLSearchParams([...open, ...others].map((name) => [name, `the value of ${name}`]))
    expect(secretsOf({}, form.toString())).toEqual(others.map((name) => `the value of ${name}`))
  })

  it('tells the bottom of a chain of causes, its code, and nothing it carried', () => {
    const bottom = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', config: { secret: 'x' } })
    const cause = redactedCause(new Error('top', { cause: new Error('middle', { cause: bottom }) }), createRedact([]))
    expect(cause).toMatchObject({ message: 'Error: connect ECONNREFUSED', code: 'ECONNREFUSED', stack: '' })
    expect(cause).not.toHaveProperty('config')
    let chain = new Error('9th')
    for (const name of ['8th', '7th', '6th', '5th', '4th', '3rd', '2nd', '1st', '0th']) {
      chain = new Error(name, { cause: chain })
    }
    expect(redactedCause(chain, createRedact([])).message).toBe('Error: 8th')
    expect(redactedCause('text', createRedact([])).message).toBe('A value that is no error was thrown')
  })
})
