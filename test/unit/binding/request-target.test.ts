import { describe, expect, it } from 'vitest'
import { type RequestTargetSettings, requestTarget } from '../../../src/binding/request-target.js'
import { type FactsOverrides, requestFacts } from '../../support/request-facts.js'

const proxy = '10.0.0.1'

function target(targetOrigin: RequestTargetSettings['targetOrigin'], facts: FactsOverrides) {
  const resource = 'https://api.example.com/mcp?tenant=1'
  const isTrustedProxy = (address: string | undefined) => address === proxy
  return requestTarget(requestFacts(facts), { targetOrigin, resource, isTrustedProxy })
}

describe('requestTarget', () => {
  it('[DPOP-08] takes the origin of the resource identifier and the path of the request', () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' }
    expect(target('resource', { url: '/mcp/a?b#c', headers })).toBe('https://api.example.com/mcp/a')
    expect(target('resource', { url: 'http://internal:3000/mcp?b' })).toBe('https://api.example.com/mcp')
    expect(target('resource', { url: 'http://internal:3000?b' })).toBe('https://api.example.com')
  })

  it('[DPOP-08] takes TLS state and Host from the connection', () => {
    const headers = { host: 'a.example:8080' }
    expect(target('connection', { url: '/x?y', headers })).toBe('http://a.example:8080/x')
    expect(target('connection', { url: '/x', headers, secure: true })).toBe('https://a.example:8080/x')
    expect(target('connection', { url: '/x', headers: { ':authority': 'b.example' } })).toBe('http://b.example/x')
  })

  it('[DPOP-08] takes an absolute request target as it is, which is what Fetch requests have', () => {
    const headers = { host: 'other.example' }
    expect(target('connection', { url: 'https://a.example/x?y', headers })).toBe('https://a.example/x')
  })

  it('[DPOP-08] knows no target without exactly one Host', () => {
    expect(target('connection', { url: '/x' })).toBeUndefined()
    expect(target('connection', { url: '/x', headers: { host: ['a.example', 'b.example'] } })).toBeUndefined()
  })

  it.each(['*', '', 'example.com:443', 'x', 'ftp://a.example/', 'http:/a', 'https://'])(
    '[DPOP-08] knows no target for the request target %j',
    (url) => {
      expect(target('resource', { url })).toBeUndefined()
      expect(target('connection', { url, headers: { host: 'a.example' } })).toBeUndefined()
    },
  )

  it.each([
    ['forwarded', { forwarded: 'proto=https;host=evil.example' }],
    ['x-forwarded', { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' }],
  ] as const)('[DPOP-08] [SEC-04] ignores %s fields of a peer that is no trusted proxy', (mode, fields) => {
    const headers = { host: 'a.example', ...fields }
    expect(target(mode, { url: '/x', headers, remoteAddress: '203.0.113.9' })).toBe('http://a.example/x')
    expect(target(mode, { url: '/x', headers })).toBe('http://a.example/x')
    expect(target('connection', { url: '/x', headers, remoteAddress: proxy })).toBe('http://a.example/x')
  })

  it('[DPOP-08] believes the last Forwarded element, which the trusted proxy wrote', () => {
    const facts = (...forwarded: string[]) => ({
      url: '/x',
      headers: { host: 'internal', forwarded },
      remoteAddress: proxy,
    })
    expect(target('forwarded', facts('for=192.0.2.1;proto=https;host="a.example:8443"'))).toBe(
      'https://a.example:8443/x',
    )
    expect(target('forwarded', facts('host=evil.example;proto=http, proto=https;host=a.example'))).toBe(
      'https://a.example/x',
    )
    expect(target('forwarded', facts('host=evil.example', 'proto=https;host=a.example'))).toBe('https://a.example/x')
    expect(target('forwarded', facts('proto=https'))).toBe('https://internal/x')
    expect(target('forwarded', facts())).toBe('http://internal/x')
  })

  it('[DPOP-08] [SEC-04] knows no target when the Forwarded field cannot be read', () => {
    const facts = (forwarded: string) => ({
      url: '/x',
      headers: { host: 'internal', forwarded },
      remoteAddress: proxy,
    })
    expect(target('forwarded', facts('x="open, proto=https;host=a.example'))).toBeUndefined()
    expect(target('forwarded', facts('proto=https;proto=http'))).toBeUndefined()
  })

  it('[DPOP-08] believes the last X-Forwarded values, which the trusted proxy wrote', () => {
    const facts = (headers: Record<string, string | string[]>) => ({
      url: '/x',
      headers: { host: 'internal', ...headers },
      remoteAddress: proxy,
    })
    expect(target('x-forwarded', facts({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.example' }))).toBe(
      'https://a.example/x',
    )
    expect(
      target(
        'x-forwarded',
        facts({ 'x-forwarded-proto': 'http, https', 'x-forwarded-host': ['evil.example', 'a.example'] }),
      ),
    ).toBe('https://a.example/x')
    expect(target('x-forwarded', facts({ 'x-forwarded-proto': 'https' }))).toBe('https://internal/x')
  })
})
