import { setFetchHeaders, toFetchResponse, withFetchHeaders } from 'portcullis/adapter'
import { describe, expect, it } from 'vitest'
import { fetchRequestFacts } from '../../../src/http/fetch-http.js'

describe('fetchRequestFacts', () => {
  it('[ADP-04] reads method, URL and TLS off the request', () => {
    const facts = fetchRequestFacts(new Request('https://api.example/x?y=1', { method: 'POST' }))
    expect(facts).toMatchObject({ method: 'POST', url: 'https://api.example/x?y=1', secure: true })
    expect(fetchRequestFacts(new Request('http://api.example/')).secure).toBe(false)
  })

  it('[ADP-01] [HTTP-09] takes a comma in Authorization or DPoP for the seam of two fields', () => {
    const headers = new Headers({ authorization: 'Bearer a' })
    headers.append('authorization', 'Bearer b')
    headers.append('dpop', 'p')
    headers.append('dpop', 'q')
    headers.set('if-none-match', '"a", "b"')
    const facts = fetchRequestFacts(new Request('https://api.example/', { headers }))
    expect(facts.headerValues('authorization')).toEqual(['Bearer a', 'Bearer b'])
    expect(facts.headerValues('dpop')).toEqual(['p', 'q'])
    expect(facts.headerValues('if-none-match')).toEqual(['"a", "b"'])
    expect(facts.headerValues('x-none')).toEqual([])
  })

  it('[HTTP-11] [HTTP-09] keeps credentials whose parameters are parted by commas in one, and finds a field behind them', () => {
    const digest = 'Digest username="a", realm="b",uri="/c,d" , response = "e"'
    const factsWith = (...fields: string[]) =>
      fetchRequestFacts(
        new Request('https://api.example/', { headers: fields.map((field) => ['authorization', field]) as never }),
      )
    expect(factsWith(digest).headerValues('authorization')).toEqual([digest])
    expect(factsWith(digest, 'Bearer t').headerValues('authorization')).toEqual([digest, 'Bearer t'])
    expect(factsWith('Basic eA==', 'Basic eQ==').headerValues('authorization')).toHaveLength(2)
    expect(factsWith('Bearer a,Bearer b').headerValues('authorization')).toEqual(['Bearer a', 'Bearer b'])
    expect(factsWith('Bearer a,\t Bearer \t b').headerValues('authorization')).toEqual(['Bearer a', 'Bearer \t b'])
  })

  it('[DPOP-08] adds what the platform knows, and lets it contradict the URL about TLS only', () => {
    const clientCertificate = () => new Uint8Array([1])
    const formBody = () => ({ access_token: 'x' })
    const connection = { secure: true, remoteAddress: '192.0.2.1', clientCertificate, formBody }
    const facts = fetchRequestFacts(new Request('http://api.example/'), connection)
    expect(facts).toMatchObject({ secure: true, remoteAddress: '192.0.2.1', clientCertificate, method: 'GET' })
    expect(facts).toMatchObject({ url: 'http://api.example/' })
    expect(facts.formBody?.()).toEqual({ access_token: 'x' })
  })

  it('[REAL-45] knows an empty form where no content came, and none where nobody parsed one', () => {
    const post = (body?: BodyInit) => new Request('https://api.example/', { method: 'POST', body: body ?? null })
    const form = new URLSearchParams({ access_token: 'x' })
    expect(fetchRequestFacts(post()).formBody?.()).toEqual({})
    expect(fetchRequestFacts(post(), { formBody: () => undefined }).formBody?.()).toEqual({})
    expect(fetchRequestFacts(post(form)).formBody?.()).toBeUndefined()
    expect(fetchRequestFacts(post(form), { formBody: () => undefined }).formBody?.()).toBeUndefined()
  })
})

function cookies(...values: string[]): Headers {
  const headers = new Headers()
  for (const value of values) headers.append('Set-Cookie', value)
  return headers
}

describe('answers of the Fetch API', () => {
  it('[ADP-03] have a body where there is one to send', async () => {
    expect(toFetchResponse({ status: 204, headers: {}, body: '' }).body).toBeNull()
    const answer = toFetchResponse({ status: 401, headers: { 'WWW-Authenticate': ['Bearer a', 'DPoP b'] }, body: '{}' })
    expect([answer.status, await answer.text()]).toEqual([401, '{}'])
    expect(answer.headers.get('www-authenticate')).toBe('Bearer a, DPoP b')
  })

  it('[ADP-03] merge fields with those the application set', () => {
    const headers = new Headers({ Vary: 'Origin', 'Cache-Control': 'max-age=1', 'Set-Cookie': 'a=1' })
    setFetchHeaders(headers, { Vary: 'Accept', 'Cache-Control': 'no-store' })
    expect([headers.get('vary'), headers.get('cache-control')]).toEqual(['Origin, Accept', 'no-store'])
    expect(headers.getSetCookie()).toEqual(['a=1'])
    const copy = withFetchHeaders(new Response('ok', { status: 201 }), new Headers({ 'X-Y': 'z' }))
    expect([copy.status, copy.headers.get('x-y'), copy.headers.getSetCookie()]).toEqual([201, 'z', []])
  })

  it('[ADP-03] keep every cookie a field of its own, of the application and of the answer', () => {
    const headers = cookies('a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2')
    setFetchHeaders(headers, { 'Set-Cookie': ['c=3', 'd=4'], 'Cache-Control': 'no-store' })
    expect(headers.getSetCookie()).toEqual(['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2', 'c=3', 'd=4'])
    const answer = toFetchResponse({ status: 401, headers: { 'Set-Cookie': 'x=9' }, body: '' }, cookies('a=1', 'b=2'))
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2', 'x=9'])
  })

  it('[ADP-03] copy a response with its cookies and those that are added', () => {
    const copy = withFetchHeaders(new Response('ok', { headers: cookies('a=1', 'b=2') }), cookies('c=3', 'd=4'))
    expect(copy.headers.getSetCookie()).toEqual(['a=1', 'b=2', 'c=3', 'd=4'])
    const plain = withFetchHeaders(new Response('ok', { headers: cookies('a=1', 'b=2') }), new Headers({ 'X-Y': 'z' }))
    expect([plain.headers.getSetCookie(), plain.headers.get('X-Y')]).toEqual([['a=1', 'b=2'], 'z'])
    const response = new Response('ok')
    expect(withFetchHeaders(response, new Headers())).toBe(response)
  })
})
