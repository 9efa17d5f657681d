import { describe, expect, it } from 'vitest'
import { fetchRequestFacts } from '../../../src/http/fetch-request.js'

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
