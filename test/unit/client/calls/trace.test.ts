import type { TraceEntry } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { traceEntry } from '../../../../src/client/calls/trace.js'
import { rejection, setUpClient } from '../../../support/client-set-up.js'
import { answer, plain, reset, tokens } from '../../../support/fake-token-endpoint.js'

function setUp(options = {}) {
  const entries: TraceEntry[] = []
  return { entries, ...setUpClient({ onTrace: (entry) => void entries.push(entry), ...options }) }
}

describe('a trace', () => {
  it('[S1-20] shows each request and answer, and of their values those that are public', async () => {
    const { client, server, entries } = setUp({ headers: { 'x-api-key': 'CANARY-key' } })
    server.script(
      '/token',
      tokens({ access_token: 'CANARY-token', refresh_token: 'CANARY-refresh', user: 'CANARY-user' }),
    )
    await client.refresh({ refreshToken: 'CANARY-old', scope: 'read', parameters: { pin: 'CANARY-pin' } })
    const [discovery, refresh] = entries
    expect(discovery).toMatchObject({ operation: 'discovery', method: 'GET', host: 'as.example', status: 200 })
    expect(discovery?.responseBody).toContain('"token_endpoint":"https://as.example/token"')
    expect(refresh).toMatchObject({
      operation: 'refresh',
      method: 'POST',
      host: 'as.example',
      path: '/token',
      status: 200,
      requestHeaders: { accept: 'application/json', authorization: '[redacted]', 'x-api-key': '[redacted]' },
      requestBody: 'pin=[redacted]&scope=read&refresh_token=[redacted]&grant_type=refresh_token',
      responseHeaders: { 'content-type': 'application/json' },
    })
    expect(JSON.parse(refresh?.responseBody ?? '')).toEqual({
      access_token: '[redacted]',
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: '[redacted]',
      user: '[redacted]',
    })
    expect(refresh?.correlationId).toMatch(/^[\da-f-]{36}$/)
    expect(refresh?.durationMs).toBeGreaterThanOrEqual(0)
    expect(Object.isFrozen(refresh)).toBe(true)
    expect(JSON.stringify(entries)).not.toContain('CANARY')
  })

  it('[S1-20] shows of an answer the values of these fields and members, and of no others', () => {
    const fields = 'Accept Content-Type User-Agent Cache-Control Content-Length Date Retry-After Server X-Request-Id'
    const members = [
      ...['active', 'audience', 'client_id', 'error', 'expires_in', 'interval', 'issued_token_type', 'resource'],
      ...['refresh_expires_in', 'refresh_token_expires_in', 'scope', 'token_type'],
    ]
    const others = ['access_token', 'id_token', 'refresh_token', 'client_secret', 'device_code', 'user_code', 'email']
    const known = { correlationId: 'c', operation: 'refresh', method: 'POST', durationMs: 1, body: undefined }
    const textOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, `of ${name}`]))
    const { responseHeaders, responseBody } = traceEntry({
      ...{ ...known, url: 'https://as.example/token', headers: {} },
      answer: {
        status: 200,
        headers: new Headers(textOf([...fields.split(' '), 'Set-Cookie', 'DPoP-Nonce', 'Location', 'X-Other'])),
        text: JSON.stringify(textOf([...members, ...others])),
      },
    })
    const shownIn = (shown: object) =>
      Object.entries(shown).flatMap(([name, value]) => (value === '[redacted]' ? [] : [name]))
    expect(shownIn(responseHeaders)).toEqual(fields.toLowerCase().split(' ').sort())
    expect(shownIn(JSON.parse(responseBody ?? ''))).toEqual(members)
  })

  it('[S1-20] shows of a page its length, and of a long answer 10,000 characters', async () => {
    const { client, server, entries } = setUp()
    server.script('/token', plain('<p>CANARY</p>', 'text/html', 503), answer({ error: 'x'.repeat(20_000) }, 400))
    await rejection(client.clientCredentials())
    await rejection(client.clientCredentials())
    expect(entries.map(({ status }) => status)).toEqual([200, 503, 400])
    expect(entries[1]?.responseBody).toBe('13 characters')
    server.script('/token', plain(' no=form', 'text/plain', 503), plain('not=a form', 'text/plain', 503))
    await rejection(client.clientCredentials())
    await rejection(client.clientCredentials())
    expect(entries.slice(3).map(({ responseBody }) => responseBody)).toEqual(['8 characters', '10 characters'])
    expect(entries[2]?.responseBody).toHaveLength(10_000)
  })

  it('[S1-20] shows of the metadata 10,000 characters', async () => {
    const { client, server, entries } = setUp()
    server.metadata = { about: 'x'.repeat(20_000) }
    await client.clientCredentials()
    expect(entries[0]?.responseBody).toHaveLength(10_000)
  })

  it('[S1-20] tells how long an answer took', async () => {
    let nowMs = 5000
    const { client, server, entries } = setUp({ monotonicClock: () => nowMs })
    server.script('/token', async (request, signal) => {
      await Promise.resolve()
      nowMs += 250
      return tokens()(request, signal)
    })
    await client.clientCredentials()
    expect(entries.map(({ durationMs }) => durationMs)).toEqual([0, 250])
  })

  it('[S1-20] shows a request without an answer, and one without a body', async () => {
    const { client, server, entries } = setUp()
    server.script('/token', reset())
    await rejection(client.clientCredentials())
    expect(entries[0]?.requestBody).toBeUndefined()
    expect(entries[1]).toMatchObject({ status: undefined, responseBody: undefined })
    expect(entries[1]?.responseHeaders).toEqual({})
  })

  it('changes nothing where it fails', async () => {
    const { client } = setUp({
      onTrace: () => {
        throw new Error('no disk')
      },
    })
    expect((await client.clientCredentials()).accessToken).toBe('issued-access-token')
    expect(() => setUpClient({ onTrace: 'yes' as never })).toThrow('onTrace')
  })
})
