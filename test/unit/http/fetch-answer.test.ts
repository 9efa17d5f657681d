import { setFetchHeaders, toFetchResponse, withFetchHeaders } from 'portcullis/adapter'
import { describe, expect, it } from 'vitest'

function cookies(...values: string[]): Headers {
  const headers = new Headers()
  for (const value of values) headers.append('Set-Cookie', value)
  return headers
}

describe('answers of the Fetch API', () => {
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
