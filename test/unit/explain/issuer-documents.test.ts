import { describe, expect, it } from 'vitest'
import { lookUpKeySet, lookUpMetadata } from '../../../src/explain/issuer-documents.js'
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

describe('lookUpKeySet', () => {
  it('gives the entries as they came', async () => {
    const settings = settingsFor({ 'https://id.test/jwks': () => Response.json({ keys: [1, {}] }) })
    expect(await lookUpKeySet('https://id.test/jwks', ['id.test'], settings)).toEqual({ entries: [1, {}] })
    const list = settingsFor({ 'https://id.test/jwks': () => Response.json([]) })
    expect(await lookUpKeySet('https://id.test/jwks', ['id.test'], list)).toEqual({ failure: 'malformed' })
  })
})
