import type { InvalidTokenError } from 'portcullis'
import { requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { toRequestRow } from '../../../src/inspector/request-row.js'
import type { Explanation } from '../../../src/resource-server/explain.js'
import type { Judgement } from '../../../src/resource-server/insight.js'

const report = { status: undefined, code: undefined, failed: undefined, sentence: undefined, steps: [] }

function rowOf(judged: Partial<Judgement>, told: Partial<Explanation> = {}) {
  const explanation = { ...report, ...told } as Explanation
  const judgement: Judgement = {
    phase: 'request',
    facts: undefined,
    token: undefined,
    scheme: undefined,
    issuer: undefined,
    resource: 'https://api.example',
    correlationId: 'c',
    durationMs: undefined,
    error: undefined,
    answer: undefined,
    report: async () => explanation,
    ...judged,
  }
  return toRequestRow(judgement, explanation, 5)
}

const targetOf = (url: string) => rowOf({ facts: requestFacts({ url }) }).target
const uuid = '6f9619ff-8b86-d011-b42d-00c04fc964ff'

describe('a line of a request', () => {
  it('says nothing of what is not known', () => {
    expect(rowOf({})).toStrictEqual({
      ...{ kind: 'request', atMs: 5, phase: 'request', correlationId: 'c', resource: 'https://api.example' },
      ...{ method: undefined, target: undefined, origin: undefined, route: undefined, requestId: undefined },
      ...{ durationMs: undefined, scheme: undefined, issuer: undefined, hasProof: false },
      ...{ outcome: 'anonymous', code: undefined, status: undefined, failed: undefined, sentence: undefined },
      ...{ steps: [], token: undefined, fields: [], challenges: [] },
    })
    expect(rowOf({ issuer: 'https://id.example', durationMs: 1.23456 })).toMatchObject({
      ...{ issuer: 'https://id.example', durationMs: 1.235 },
    })
  })

  it('says nothing of a place that cannot be read, of which nothing is half told', () => {
    const facts = {
      ...requestFacts({ url: '/me', headers: { dpop: 'a-proof' } }),
      route: () => {
        throw new TypeError('x')
      },
    }
    expect(rowOf({ facts })).toMatchObject({ target: undefined, method: undefined, hasProof: false })
    expect(rowOf({ facts: { ...facts, route: () => 5 as never } })).toMatchObject({ route: undefined, hasProof: true })
  })

  it.each([
    ['/reset/abcdefghijklmnopqrstuvw', '/reset/abcdefghijklmnopqrstuvw'],
    ['/reset/abcdefghijklmnopqrstuvwx', '/reset/(masked)'],
    ['/reset/abcdefghijklmnopqrstuvwxyz/', '/reset/(masked)/'],
    ['/ABCDEFGHIJKLMNOPQRSTUVWX/abcdefghijklmnopqrstuvwx', '/(masked)/(masked)'],
    ['/reset/%41.b~c+d=e-f_g0123456789', '/reset/(masked)'],
    ['/a-name:of-more-than-24-characters', '/a-name:of-more-than-24-characters'],
    [`/users/${uuid}`, `/users/${uuid}`],
    [`/users/${uuid.toUpperCase()}/notes`, `/users/${uuid.toUpperCase()}/notes`],
    [`/users/${uuid}0`, '/users/(masked)'],
    [`/users/0${uuid}`, '/users/(masked)'],
    [`/users/${uuid.slice(1)}`, '/users/(masked)'],
    [`/users/${uuid.slice(0, -1)}`, '/users/(masked)'],
    ['/users/6f9619ff-8b86-d011-00c04fc964ff', '/users/(masked)'],
    ['/users/6f9619ff-8b86-d011-b42-00c04fc964ff', '/users/(masked)'],
    ['/users/6f9619ff-8b86-g011-b42d-00c04fc964ff', '/users/(masked)'],
    ['/users/g19619ff-8b86-d011-b42d-00c04fc964ff', '/users/(masked)'],
    ['/users/6f9619ff-8b86-d011-b42d-g0c04fc964ff', '/users/(masked)'],
  ])('masks what may be a secret of a path, and shows a UUID: %s', (url, shown) => {
    expect(targetOf(url)).toBe(shown)
  })

  it('names sixteen members of a query, each once, and none of their values', () => {
    const names = Array.from({ length: 20 }, (_, at) => `n${at}`)
    const query = names.map((name) => `${name}=canary&${name}=canary`).join('&')
    const shown = names.slice(0, 16).map((name) => `${name}=…`)
    expect(targetOf(`/me?${query}`)).toBe(`/me?${shown.join('&')}`)
    expect(targetOf('/me')).toBe('/me')
  })

  it('tells of a step what was looked at', () => {
    const steps = [
      { name: 'scope', outcome: 'failed', expected: 'a', received: ['b', 5], rule: 'RFC' },
      { name: 'type', outcome: 'passed' },
      { name: 'allow', outcome: 'skipped', expected: 'a', rule: 'RFC' },
      { name: 'roles', outcome: 'not_checked', expected: 'a', rule: 'RFC' },
    ] as unknown as Explanation['steps']
    expect(rowOf({}, { steps }).steps).toEqual([
      ['scope', 'failed', '"a"', '"b", 5', 'RFC'],
      ['type', 'passed', '', '', ''],
      ['allow', 'skipped'],
      ['roles', 'not_checked'],
    ])
  })

  it('tells of the answer its fields and its challenges, without a nonce or a cookie', () => {
    const headers = {
      'WWW-Authenticate': [
        'DPoP realm="the \\"inner\\" \\\\ one", algs="ES256 RS256", nonce="canary"',
        'Bearer error_description="x", resource-metadata="https://api.example/m"',
      ],
      'DPoP-Nonce': 'canary',
      'set-cookie': ['sid=canary'],
      Vary: ['Origin', 'DPoP'],
    }
    const { fields, challenges } = rowOf({ answer: { status: 401, headers } as never })
    expect(fields).toEqual([
      ['DPoP-Nonce', '(masked)'],
      ['set-cookie', '(masked)'],
      ['Vary', 'Origin, DPoP'],
    ])
    expect(challenges).toEqual([
      {
        scheme: 'DPoP',
        parameters: [
          ['realm', 'the "inner" \\ one'],
          ['algs', 'ES256 RS256'],
          ['nonce', '(masked)'],
        ],
      },
      {
        scheme: 'Bearer',
        parameters: [
          ['error_description', 'x'],
          ['resource-metadata', 'https://api.example/m'],
        ],
      },
    ])
    expect(rowOf({ answer: { status: 403, headers: {} } as never })).toMatchObject({ fields: [], challenges: [] })
  })

  it('calls it refused what the caller can mend, and failed what it cannot', () => {
    const outcomeOf = (status: number | undefined, token?: string) =>
      rowOf({ error: status === undefined ? undefined : ({ status } as InvalidTokenError), token }).outcome
    expect([401, 499, 500, 503].map((status) => outcomeOf(status, 'a'))).toEqual([
      ...['refused', 'refused', 'failed', 'failed'],
    ])
    expect([outcomeOf(undefined), outcomeOf(undefined, 'a')]).toEqual(['anonymous', 'accepted'])
  })
})
