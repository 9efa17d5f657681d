import { createHash } from 'node:crypto'
import { createFrozenClock, requestFacts } from 'portcullis/testing'
import { describe, expect, it, vi } from 'vitest'
import { ConfigurationError, InternalError, UnavailableError } from '../../../../src/errors/index.js'
import type { HttpAnswer } from '../../../../src/http/http-answer.js'
import { createMetadataSite, type MetadataSite } from '../../../../src/resource-server/metadata/metadata-answer.js'
import { rejection } from '../../../support/client-set-up.js'
import { resolvedResource } from '../../../support/resolved-resource.js'

const prefix = '/.well-known/oauth-protected-resource'

function siteOf(...identifiers: string[]): MetadataSite {
  return createMetadataSite(
    identifiers.map((identifier) => resolvedResource(identifier)),
    { cors: true },
  )
}

async function get(site: MetadataSite, url: string, headers = {}, method = 'GET'): Promise<HttpAnswer | undefined> {
  return site.answer(requestFacts({ method, url, headers }))
}

/** The identifier in the document served at `url`, or the status when it is no document. */
async function resourceAt(site: MetadataSite, url: string): Promise<unknown> {
  const answer = await get(site, url)
  return answer?.status === 200 ? JSON.parse(answer.body).resource : answer?.status
}

describe('a document of the metadata site', () => {
  it('[PRM-03] [PRM-11] [PRM-12] [S3-25] [S3-27] comes as cacheable JSON that any origin may read', async () => {
    const answer = await get(siteOf('https://api.example/mcp'), `${prefix}/mcp`)
    const body =
      '{"resource":"https://api.example/mcp","authorization_servers":["https://issuer.test"],"bearer_methods_supported":["header"]}'
    expect(answer).toEqual({
      status: 200,
      headers: {
        'Content-Type': 'application/json',
        'Cache-Control': 'public, max-age=3600',
        ETag: `"${createHash('sha256').update(body).digest('base64url')}"`,
        'Access-Control-Allow-Origin': '*',
      },
      body,
    })
  })

  it('[PRM-11] keeps the lifetime the resource asks for', async () => {
    const resource = resolvedResource('https://api.example', { metadata: { maxAgeSeconds: 60 } })
    const answer = await get(createMetadataSite([resource], { cors: false }), prefix)
    expect(answer?.headers['Cache-Control']).toBe('public, max-age=60')
    expect(answer?.headers).not.toHaveProperty('Access-Control-Allow-Origin')
  })

  it('[ADP-06] has no body for HEAD and the same fields', async () => {
    const site = siteOf('https://api.example')
    const head = await get(site, prefix, {}, 'HEAD')
    expect(head).toEqual({ ...(await get(site, prefix)), body: '' })
  })

  it.each([
    ['the same tag', (etag: string) => etag],
    ['a weak one', (etag: string) => `W/${etag}`],
    ['one of several', (etag: string) => `"other", ${etag}`],
    ['one of several fields', (etag: string) => ['"other"', etag]],
    ['any', () => '*'],
  ])('[PRM-11] is not sent again to a client that holds %s', async (_what, ifNoneMatch) => {
    const site = siteOf('https://api.example')
    const etag = (await get(site, prefix))?.headers['ETag'] as string
    const answer = await get(site, prefix, { 'if-none-match': ifNoneMatch(etag) })
    expect(answer).toEqual({
      status: 304,
      headers: { 'Cache-Control': 'public, max-age=3600', ETag: etag, 'Access-Control-Allow-Origin': '*' },
      body: '',
    })
  })

  it('[PRM-11] is sent again to a client that holds another one', async () => {
    const answer = await get(siteOf('https://api.example'), prefix, { 'if-none-match': '"other"' })
    expect(answer?.status).toBe(200)
  })

  it('[PRM-12] answers preflights', async () => {
    const site = siteOf('https://api.example')
    expect(await get(site, prefix, { 'access-control-request-method': 'GET' }, 'OPTIONS')).toEqual({
      status: 204,
      headers: {
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
        'Access-Control-Allow-Headers': '*',
        'Access-Control-Max-Age': '86400',
        Allow: 'GET, HEAD, OPTIONS',
      },
      body: '',
    })
    const closed = createMetadataSite([resolvedResource('https://api.example')], { cors: false })
    expect(await get(closed, prefix, {}, 'OPTIONS')).toEqual({
      status: 204,
      headers: { Allow: 'GET, HEAD, OPTIONS' },
      body: '',
    })
  })

  it.each(['POST', 'PUT', 'DELETE', 'get'])('[PRM-12] refuses %s', async (method) => {
    const answer = await get(siteOf('https://api.example'), prefix, {}, method)
    expect(answer).toMatchObject({ status: 405, headers: { Allow: 'GET, HEAD, OPTIONS', 'Cache-Control': 'no-store' } })
  })
})

describe('the paths of the metadata site', () => {
  it('[PRM-13] gives each of several resources its own document and no root one', async () => {
    const site = siteOf('https://api.example/a', 'https://api.example/b/c')
    expect(await resourceAt(site, `${prefix}/a`)).toBe('https://api.example/a')
    expect(await resourceAt(site, `${prefix}/b/c`)).toBe('https://api.example/b/c')
    expect(await get(site, prefix)).toBeUndefined()
  })

  it.each(['/zzz', '/a/', '/A', '/%61', '/a/b', '/a?x=1', '?', '/a?', '/b/../a', '//a'])(
    '[PRM-13] [REAL-37] leaves the well-known path with %s to other servers, and gives no other document',
    async (suffix) => {
      const site = siteOf('https://api.example/a', 'https://api.example/a/', 'https://api.example/b')
      const expected = suffix === '/a/' ? 'https://api.example/a/' : undefined
      expect(await resourceAt(site, `${prefix}${suffix}`)).toBe(expected)
    },
  )

  it.each(['/', '/me', `${prefix}XYZ`, '/.well-known/openid-configuration', '', '*', 'api.example:443'])(
    '[PRM-13] leaves %j to the application',
    async (url) => {
      expect(await get(siteOf('https://api.example'), url)).toBeUndefined()
    },
  )

  it('[C-19] serves a document with and without a trailing slash', async () => {
    for (const identifier of ['https://api.example/a', 'https://api.example/a/']) {
      const site = siteOf(identifier, 'https://api.example/b')
      expect(await resourceAt(site, `${prefix}/a`)).toBe(identifier)
      expect(await resourceAt(site, `${prefix}/a/`)).toBe(identifier)
    }
    expect(await resourceAt(siteOf('https://api.example', 'https://api.example/b'), `${prefix}/`)).toBe(
      'https://api.example',
    )
  })

  it('[MCP-03] [REAL-39] serves a document at the root only where somebody asks for that', async () => {
    const identifier = 'https://api.example/public/mcp'
    const site = siteOf(identifier)
    expect(await resourceAt(site, `${prefix}/public/mcp`)).toBe(identifier)
    expect(await get(site, prefix)).toBeUndefined()
    const asked = (atRoot: boolean) => resolvedResource(identifier, { metadata: { atRoot } })
    expect(await resourceAt(createMetadataSite([asked(true)], { cors: true }), prefix)).toBe(identifier)
    for (const resource of [resolvedResource(identifier), asked(false), resolvedResource('https://api.example/else')]) {
      const served = createMetadataSite([resolvedResource(identifier)], { cors: true })
      served.serveAtRoot(resource)
      const expected = resource.metadata.atRoot === false || resource.resource !== identifier ? undefined : identifier
      expect(await resourceAt(served, prefix)).toBe(expected)
      expect(await resourceAt(served, `${prefix}/`)).toBe(expected)
      served.serveAtRoot(resolvedResource(identifier))
      expect(await resourceAt(served, prefix)).toBe(identifier)
    }
    const both = ['https://api.example/a', 'https://api.example/b'].map((one) =>
      resolvedResource(one, { metadata: { atRoot: true } }),
    )
    expect(() => createMetadataSite(both, { cors: true })).toThrow(/Two resources have their metadata at/)
    const two = siteOf('https://api.example', 'https://api.example/b')
    two.serveAtRoot(resolvedResource('https://api.example/b'))
    expect(await resourceAt(two, prefix)).toBe('https://api.example')
  })

  it('[PRM-02] tells resources apart by their query', async () => {
    const site = siteOf(
      'https://api.example/api?tenant=1',
      'https://api.example/api?tenant=2',
      'https://api.example/?x',
      'https://api.example/api?back=/?page',
    )
    expect(await resourceAt(site, `${prefix}/api?tenant=1`)).toBe('https://api.example/api?tenant=1')
    expect(await resourceAt(site, `${prefix}/api/?tenant=2`)).toBe('https://api.example/api?tenant=2')
    expect(await resourceAt(site, `${prefix}?x`)).toBe('https://api.example/?x')
    expect(await resourceAt(site, `${prefix}/api/?back=/?page`)).toBe('https://api.example/api?back=/?page')
    expect(await get(site, `${prefix}/api`)).toBeUndefined()
    expect(await get(site, `${prefix}/api?tenant=3`)).toBeUndefined()
  })

  it('[PRM-17] [DPOP-08] looks at the path of an absolute URL alone, never at a host', async () => {
    const site = siteOf('https://api.example/a')
    const url = `http://evil.example:81${prefix}/a#top`
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' }
    expect(await resourceAt(site, url)).toBe('https://api.example/a')
    expect(await get(site, `${prefix}/a`, headers)).toEqual(await get(site, `${prefix}/a`))
  })

  it('[PRM-13] serves a document at a path of its own choice too', async () => {
    const resource = resolvedResource('https://api.example/a', { metadata: { metadataAt: '/a/metadata' } })
    const site = createMetadataSite([resource], { cors: true })
    expect(await resourceAt(site, '/a/metadata')).toBe('https://api.example/a')
    expect(await get(site, '/a/metadata/')).toBeUndefined()
    expect(await resourceAt(site, `${prefix}/a`)).toBe('https://api.example/a')
  })

  it('[PRM-13] [PRM-17] refuses resources that only their host tells apart', () => {
    expect(() => siteOf('https://a.example/mcp', 'https://b.example/mcp')).toThrow(ConfigurationError)
    expect(() => siteOf('https://a.example', 'https://a.example/')).toThrow(/Two resources have their metadata at/)
    const metadata = { metadataAt: `${prefix}/mcp` }
    const own = resolvedResource('https://a.example/mcp', { metadata })
    expect(() => createMetadataSite([own], { cors: true })).not.toThrow()
  })
})

describe('signed metadata', () => {
  it('[PRM-09] carries what the signer makes of the claims, and asks again when it is due', async () => {
    const clock = createFrozenClock()
    const sign = vi.fn(async (claims: object) => `signed.${Object.keys(claims).length}.${sign.mock.calls.length}`)
    const resource = resolvedResource('https://api.example', { metadata: { sign, maxAgeSeconds: 60 } })
    const site = createMetadataSite([resource], { cors: true, clock: clock.now })
    const signedMetadata = async () => JSON.parse((await get(site, prefix))?.body ?? '{}').signed_metadata

    expect(await Promise.all([signedMetadata(), signedMetadata()])).toEqual(['signed.3.1', 'signed.3.1'])
    clock.advance(59_999)
    expect(await signedMetadata()).toBe('signed.3.1')
    clock.advance(1)
    expect(await signedMetadata()).toBe('signed.3.2')
    expect(sign.mock.calls[0]?.[0]).not.toHaveProperty('signed_metadata')
  })

  it('[E-13] is 503 when the signer says that it cannot be had now, and comes with the next request', async () => {
    const sign = vi
      .fn<() => string>(() => 'a.b.c')
      .mockImplementationOnce(() => {
        throw new UnavailableError('ERR_KEYS_UNAVAILABLE', { retryAfterSeconds: 7 })
      })
    const site = createMetadataSite([resolvedResource('https://api.example', { metadata: { sign } })], { cors: true })
    expect(await get(site, prefix)).toEqual({
      status: 503,
      headers: {
        'Access-Control-Allow-Origin': '*',
        'Cache-Control': 'no-store',
        'Content-Type': 'application/json',
        'Retry-After': '7',
      },
      body: '{"error":"temporarily_unavailable"}',
    })
    expect(JSON.parse((await get(site, prefix))?.body ?? '')).toMatchObject({ signed_metadata: 'a.b.c' })
  })

  it('[E-13] is 503 when the signer is late', async () => {
    vi.useFakeTimers()
    try {
      const sign = () => new Promise<string>(() => {})
      const site = createMetadataSite([resolvedResource('https://api.example', { metadata: { sign } })], { cors: true })
      const answer = get(site, prefix)
      await vi.advanceTimersByTimeAsync(5000)
      expect(await answer).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } })
    } finally {
      vi.useRealTimers()
    }
  })

  it.each([
    ['gives no text', () => undefined as unknown as string, 'TypeError', '`metadata.sign` gave no text'],
    ['rejects', () => Promise.reject(new RangeError('secret')), 'RangeError', 'secret'],
    [
      'throws',
      () => {
        throw new RangeError('secret')
      },
      'RangeError',
      'secret',
    ],
  ])('[REAL-26] is a fault of the application when the signer %s, and told without its words', async (...row) => {
    const [, failure, errorName, message] = row
    const onEvent = vi.fn()
    const sign = vi.fn<() => string | Promise<string>>(() => 'a.b.c').mockImplementationOnce(failure)
    const settings = { cors: true, onEvent }
    const site = createMetadataSite([resolvedResource('https://api.example', { metadata: { sign } })], settings)
    const [one, other] = await Promise.all([get(site, prefix), get(site, prefix)].map((answer) => rejection(answer)))
    expect(one).toBeInstanceOf(InternalError)
    expect(one).toMatchObject({ status: 500, callback: 'sign', cause: { name: errorName, message } })
    expect(other).not.toBe(one)
    const told = { type: 'application.failed', callback: 'sign', errorName, correlationId: undefined }
    expect(onEvent.mock.calls).toEqual([[told]])
    expect(JSON.parse((await get(site, prefix))?.body ?? '')).toMatchObject({ signed_metadata: 'a.b.c' })
  })

  it('[PRM-09] does not let a late failure undo a newer signature', async () => {
    const clock = createFrozenClock()
    let fail: (error: Error) => void = () => {}
    const first = new Promise<string>((_, reject) => {
      fail = reject
    })
    const sign = vi.fn<() => string | Promise<string>>(() => 'new').mockImplementationOnce(() => first)
    const resource = resolvedResource('https://api.example', { metadata: { sign, maxAgeSeconds: 1 } })
    const site = createMetadataSite([resource], { cors: true, clock: clock.now })
    const early = get(site, prefix)
    clock.advance(1000)
    await get(site, prefix)
    fail(new Error('late'))
    expect(await rejection(early)).toMatchObject({ status: 500 })
    await get(site, prefix)
    expect(sign).toHaveBeenCalledTimes(2)
  })
})

describe('the pass-through of authorization server metadata', () => {
  const document = { issuer: 'https://issuer.test', token_endpoint: 'https://issuer.test/token' }

  function passThrough(authorizationServerMetadata: () => Promise<typeof document>): MetadataSite {
    return createMetadataSite([resolvedResource('https://api.example/mcp')], {
      cors: true,
      authorizationServerMetadata,
    })
  }

  it.each([
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/oauth-authorization-server/mcp/',
    '/.well-known/openid-configuration',
  ])('[ASM-02] [ASM-03] serves it unchanged at %s', async (url) => {
    const answer = await get(
      passThrough(async () => document),
      url,
    )
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=300' },
      body: JSON.stringify(document),
    })
  })

  it('[REAL-37] leaves a suffix of others to them, and the resource metadata alone', async () => {
    const site = passThrough(async () => document)
    expect(await get(site, '/.well-known/oauth-authorization-server/other')).toBeUndefined()
    expect(await resourceAt(site, `${prefix}/mcp`)).toBe('https://api.example/mcp')
  })

  it('[E-13] is 503 with the time to retry while the authorization server is away', async () => {
    const down = passThrough(() =>
      Promise.reject(new UnavailableError('ERR_ISSUER_UNAVAILABLE', { retryAfterSeconds: 9 })),
    )
    const answer = await get(down, '/.well-known/oauth-authorization-server')
    expect(answer).toMatchObject({ status: 503, headers: { 'Retry-After': '9', 'Access-Control-Allow-Origin': '*' } })
  })

  it.each([[undefined], ['away'], [new Error('away')]])(
    '[E-13] is 503 for 5 s after a failure with %j',
    async (reason) => {
      const down = passThrough(() => Promise.reject(reason))
      const answer = await get(down, '/.well-known/oauth-authorization-server')
      expect(answer).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } })
    },
  )
})
