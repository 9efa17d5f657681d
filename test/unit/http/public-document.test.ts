import { describe, expect, it } from 'vitest'
import { documentAnswer, errorAnswer, methodAnswer, targetOf } from '../../../src/http/public-document.js'
import { requestFacts } from '../../support/request-facts.js'

const cors = { 'Access-Control-Allow-Origin': '*' }
const served = { body: '{"a":1}', etag: '"tag"', contentType: 'application/json', cacheControl: 'max-age=60' }

describe('targetOf', () => {
  it.each([
    ['/a?b=/c', '/a?b=/c'],
    ['/a#top', '/a'],
    ['/a#b\nc#d', '/a'],
    ['/', '/'],
    ['http://evil.example:81/a?b#c', '/a?b'],
    ['HTTP+x.y-z://evil.example/a', '/a'],
    ['https://evil.example?b', '?b'],
    ['https://evil.example', ''],
    ['https://evil.example#a', ''],
    ['/a?to=https://evil.example/b', '/a?to=https://evil.example/b'],
    ['/a?to=https://evil.example/b#c', '/a?to=https://evil.example/b'],
    ['1http://evil.example/a', '1http://evil.example/a'],
    ['a_b://evil.example/a', 'a_b://evil.example/a'],
    ['://evil.example/a', '://evil.example/a'],
    ['a://b://c/', '//c/'],
    ['*', '*'],
    ['x/', 'x/'],
    ['', ''],
  ])('[PRM-17] of %j is %j', (url, target) => {
    expect(targetOf(requestFacts({ url }))).toBe(target)
  })
})

describe('methodAnswer', () => {
  it('[PRM-12] leaves GET and HEAD to the document', () => {
    for (const method of ['GET', 'HEAD']) expect(methodAnswer(requestFacts({ method }), cors)).toBeUndefined()
  })

  it('[PRM-12] answers preflights, for other origins where those may read', () => {
    const facts = requestFacts({ method: 'OPTIONS' })
    const allow = { Allow: 'GET, HEAD, OPTIONS' }
    expect(methodAnswer(facts, {})).toEqual({ status: 204, headers: allow, body: '' })
    expect(methodAnswer(facts, cors)).toEqual({
      status: 204,
      headers: {
        ...cors,
        ...allow,
        'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
        'Access-Control-Allow-Headers': '*',
        'Access-Control-Max-Age': '86400',
      },
      body: '',
    })
  })

  it.each(['POST', 'PUT', 'get', ''])('[PRM-12] refuses the method %j', (method) => {
    expect(methodAnswer(requestFacts({ method }), cors)).toEqual({
      status: 405,
      headers: {
        ...cors,
        Allow: 'GET, HEAD, OPTIONS',
        'Cache-Control': 'no-store',
        'Content-Type': 'application/json',
      },
      body: '{"error":"method_not_allowed"}',
    })
  })
})

describe('documentAnswer', () => {
  const headers = { ...cors, 'Cache-Control': 'max-age=60', ETag: '"tag"' }
  const answer = (fields: Record<string, string | readonly string[]> = {}, method = 'GET') =>
    documentAnswer(served, requestFacts({ method, headers: fields }), cors)

  it('[PRM-11] holds the document, and for HEAD its fields alone', () => {
    const ok = { status: 200, headers: { ...headers, 'Content-Type': 'application/json' } }
    expect(answer()).toEqual({ ...ok, body: served.body })
    expect(answer({}, 'HEAD')).toEqual({ ...ok, body: '' })
  })

  it.each([['"tag"'], ['W/"tag"'], ['*'], ['"a", "tag"'], ['"a",W/"tag" ,"b"'], [['"a"', '"tag"']]])(
    '[PRM-11] is 304 to a client that has %j',
    (held) => {
      expect(answer({ 'if-none-match': held })).toEqual({ status: 304, headers, body: '' })
    },
  )

  it.each([['"other"'], ['"W/tag"'], ['tag'], ['xW/"tag"'], ['"tag'], [''], ['"*"']])(
    '[PRM-11] is sent again to a client that has %j',
    (held) => {
      expect(answer({ 'if-none-match': held }).status).toBe(200)
      expect(answer({ 'if-match': '"tag"' }).status).toBe(200)
    },
  )
})

describe('errorAnswer', () => {
  it('[E-13] is kept by no cache, whatever the other fields say', () => {
    expect(errorAnswer(503, 'temporarily_unavailable', { ...cors, 'Cache-Control': 'public' })).toEqual({
      status: 503,
      headers: { ...cors, 'Cache-Control': 'no-store', 'Content-Type': 'application/json' },
      body: '{"error":"temporarily_unavailable"}',
    })
  })
})
