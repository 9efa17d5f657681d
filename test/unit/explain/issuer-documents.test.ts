import { describe, expect, it } from 'vitest'
import { failureSentence, lookUpKeySet, lookUpMetadata } from '../../../src/explain/issuer-documents.js'
import { toSurroundings } from '../../../src/kit/surroundings.js'

const issuer = 'https://id.test/realms/main'
const rfc8414 = 'https://id.test/.well-known/oauth-authorization-server/realms/main'
const inserted = 'https://id.test/.well-known/openid-configuration/realms/main'
const appended = `${issuer}/.well-known/openid-configuration`

function settingsFor(answers: Record<string, () => Response>) {
  const fetch = async (url: string) => (answers[url] ?? (() => new Response('', { status: 404 })))()
  return { surroundings: toSurroundings({ fetch }), timeoutMs: 30_000, isTrusted: true }
}

describe('lookUpMetadata', () => {
  it('asks the three well-known addresses in turn, and tells what each answered', async () => {
    const look = await lookUpMetadata(issuer, settingsFor({ [appended]: () => Response.json({ issuer }) }))
    expect(look).toMatchObject({ url: appended, metadata: { issuer }, failure: undefined })
    expect(look.attempts).toEqual([
      { url: rfc8414, status: 404, failure: 'status' },
      { url: inserted, status: 404, failure: 'status' },
      { url: appended, status: 200, failure: undefined },
    ])
  })

  it('passes over redirects and pages for people', async () => {
    const answers = {
      [rfc8414]: () => new Response(null, { status: 302, headers: { location: '/login' } }),
      [inserted]: () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      [appended]: () => Response.json([]),
    }
    const look = await lookUpMetadata(issuer, settingsFor(answers))
    expect(look).toMatchObject({ url: undefined, failure: 'malformed' })
    expect(look.attempts.map(({ failure }) => failure)).toEqual(['redirect', 'media_type', 'malformed'])
    const early = { ...answers, [rfc8414]: () => new Response(new Uint8Array([0xff])) }
    const { attempts } = await lookUpMetadata(issuer, settingsFor(early))
    expect(attempts.map(({ failure }) => failure)).toEqual(['not_utf8', 'media_type', 'malformed'])
    const binary = { ...answers, [appended]: () => new Response(new Uint8Array([0xff])) }
    expect(await lookUpMetadata(issuer, settingsFor(binary))).toMatchObject({ failure: 'not_utf8' })
  })

  it('stops where the server fails, or names another issuer', async () => {
    const down = await lookUpMetadata(issuer, settingsFor({ [rfc8414]: () => new Response('', { status: 503 }) }))
    expect(down).toMatchObject({ url: rfc8414, failure: 'status', attempts: [{ status: 503 }] })
    const busy = await lookUpMetadata(issuer, settingsFor({ [rfc8414]: () => new Response('', { status: 429 }) }))
    expect(busy.attempts).toHaveLength(1)
    const other = await lookUpMetadata(issuer, settingsFor({ [rfc8414]: () => Response.json({ issuer: 'https://x' }) }))
    expect(other).toMatchObject({ failure: 'issuer_mismatch', metadata: undefined })
  })

  it('tells of a connection that fails', async () => {
    const fetch = () => Promise.reject(new Error('refused'))
    const settings = { surroundings: toSurroundings({ fetch }), timeoutMs: 30_000, isTrusted: true }
    expect(await lookUpMetadata(issuer, settings)).toMatchObject({
      failure: 'network',
      attempts: [{ url: rfc8414, status: undefined }],
    })
  })
})

describe('what both send', () => {
  it('is a GET that says which form it wants, to a host of a private network only where a person named it', async () => {
    const sent: unknown[] = []
    const fetch = async (url: string, init: { method?: string; headers: Record<string, string> }) => {
      sent.push([url, init.method ?? 'GET', init.headers['accept']])
      return Response.json({ issuer: 'https://10.0.0.1', keys: [] })
    }
    const settings = { surroundings: toSurroundings({ fetch: fetch as never }), timeoutMs: 30_000 }
    const guessed = await lookUpMetadata('https://10.0.0.1', { ...settings, isTrusted: false })
    expect(guessed).toMatchObject({ failure: 'private_address', metadata: undefined })
    expect(await lookUpKeySet('https://10.0.0.1/jwks', [], settings)).toEqual({ failure: 'private_address' })
    expect(sent).toEqual([])
    await lookUpMetadata('https://10.0.0.1', { ...settings, isTrusted: true })
    await lookUpKeySet('https://10.0.0.1/jwks', ['10.0.0.1'], settings)
    expect(sent).toEqual([
      ['https://10.0.0.1/.well-known/oauth-authorization-server', 'GET', 'application/json'],
      ['https://10.0.0.1/jwks', 'GET', 'application/jwk-set+json, application/json'],
    ])
  })

  it('takes no more than 256 KiB of metadata and 512 KiB of keys', async () => {
    const url = 'https://id.test/jwks'
    const sized = (start: string, bytes: number, end: string) => () =>
      new Response(`${start}${'x'.repeat(bytes - start.length - end.length)}${end}`, {
        headers: { 'content-type': 'application/json' },
      })
    const metadata = async (bytes: number) => {
      const answer = sized(`{"issuer":"${issuer}","a":"`, bytes, '"}')
      return (await lookUpMetadata(issuer, settingsFor({ [rfc8414]: answer }))).failure
    }
    expect([await metadata(262_144), await metadata(262_145)]).toEqual([undefined, 'too_large'])
    const keys = (bytes: number) =>
      lookUpKeySet(url, [], settingsFor({ [url]: sized('{"keys":[],"a":"', bytes, '"}') }))
    expect([await keys(524_288), await keys(524_289)]).toEqual([{ entries: [] }, { failure: 'too_large' }])
  })
})

describe('a reason in words', () => {
  it.each([
    ['insecure_url', 'not https'],
    ['private_address', 'not on the public internet'],
    ['network', 'check the name, the port, a proxy and the certificate'],
    ['timeout', 'in time'],
    ['redirect', 'a redirect, and none is followed'],
    ['too_large', 'too large'],
    ['not_utf8', 'not UTF-8'],
    ['status', 'an error status'],
    ['media_type', 'not application/json'],
    ['malformed', 'not the JSON it has to be'],
    ['issuer_mismatch', 'write the identifier exactly as it stands there'],
    ['jwks_uri_missing', 'no `jwks_uri` over https'],
    ['no_usable_key', 'no usable key'],
  ] as const)('tells of %s what it is', (reason, words) => {
    expect(failureSentence(reason)).toContain(words)
  })
})

describe('lookUpKeySet', () => {
  it('gives the entries as they came', async () => {
    const settings = settingsFor({ 'https://id.test/jwks': () => Response.json({ keys: [1, {}] }) })
    expect(await lookUpKeySet('https://id.test/jwks', ['id.test'], settings)).toEqual({ entries: [1, {}] })
    const list = settingsFor({ 'https://id.test/jwks': () => Response.json([]) })
    expect(await lookUpKeySet('https://id.test/jwks', ['id.test'], list)).toEqual({ failure: 'malformed' })
  })
})
