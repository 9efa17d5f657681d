import { reportText } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { writeReport } from '../../../src/explain/report.js'

const rules = { first: 'RFC 1 §1', second: '', third: 'RFC 3 §3', last: '' } as const
const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln'

describe('a report', () => {
  it('[REAL-40] has all steps in order; what follows the first failure is skipped, not missing', () => {
    const report = writeReport(rules, {
      third: { outcome: 'failed', expected: 3, received: 4, sentence: 'Write 3.' },
      last: { received: 'never seen' },
      first: { received: 'one' },
    })
    expect(report).toEqual({
      ok: false,
      failed: 'third',
      sentence: 'Write 3.',
      steps: [
        { name: 'first', outcome: 'passed', rule: 'RFC 1 §1', received: 'one' },
        { name: 'second', outcome: 'not_checked' },
        { name: 'third', outcome: 'failed', rule: 'RFC 3 §3', expected: 3, received: 4, sentence: 'Write 3.' },
        { name: 'last', outcome: 'skipped' },
      ],
    })
    expect(writeReport(rules, { last: { outcome: 'warned', sentence: 'Look.' } })).toMatchObject({
      ok: true,
      failed: undefined,
      sentence: undefined,
    })
  })

  it('[REAL-40] masks what looks like a token, and cuts and escapes what a sender wrote', () => {
    const { steps } = writeReport(rules, {
      first: { expected: [jwt, { secret: 1 }], received: `\u202e${'x'.repeat(300)}` },
    })
    expect(steps[0]).toMatchObject({
      expected: ['(masked)', '(object)'],
      received: expect.stringMatching(/^\\u\{202e\}x{199}…$/),
    })
  })

  it('[REAL-40] is text for a terminal: the steps that were looked at, and the cure', () => {
    const report = writeReport(rules, {
      first: { received: ['a', 1] },
      second: { outcome: 'warned', expected: 'b' },
      third: { outcome: 'failed', expected: 'c', received: 'd', sentence: 'Write c.' },
    })
    expect(reportText(writeReport(rules, { first: {} }))).toBe('passed first (RFC 1 §1)')
    expect(reportText(report)).toBe(
      [
        'passed first: received ["a", 1] (RFC 1 §1)',
        'warned second: expected "b"',
        'failed third: received "d", expected "c" (RFC 3 §3)',
        '       Write c.',
      ].join('\n'),
    )
  })
})
