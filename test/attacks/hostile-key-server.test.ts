import type { RequestListener, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { UnavailableError } from '../../src/errors/index.js'
import type { KeySource } from '../../src/issuer/key-source.js'
import { createRemoteKeys } from '../../src/issuer/remote-keys.js'
import { systemClock } from '../../src/kit/clock.js'
import type { PortcullisEvent } from '../../src/kit/events.js'
import { platformFetch } from '../../src/kit/fetch/platform-fetch.js'
import { jwkSet, offCurveJwk, testKey } from '../support/key-material.js'
import { type LoopbackServer, listenOnLoopback } from '../support/loopback-server.js'

let server: LoopbackServer | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

interface Setup {
  readonly keys: KeySource
  readonly events: PortcullisEvent[]
  readonly server: LoopbackServer
}

async function keysFrom(listener: RequestListener, timeoutMs = 60_000): Promise<Setup> {
  server = await listenOnLoopback(listener)
  const events: PortcullisEvent[] = []
  const keys = createRemoteKeys({
    issuer: server.origin,
    jwksUri: `${server.origin}/jwks`,
    options: { timeoutMs },
    surroundings: {
      fetch: platformFetch,
      clock: systemClock,
      onEvent: (event) => void events.push(event),
      insecureHosts: true,
    },
  })
  return { keys, events, server }
}

async function expectOutage({ keys }: Setup, reason: string): Promise<void> {
  const error = await keys.warmUp().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UnavailableError)
  expect(error).toMatchObject({ status: 503, code: 'ERR_KEYS_UNAVAILABLE', detail: reason })
  expect(keys.health()).toMatchObject({ state: 'empty', lastFailure: reason })
  expect(keys.isServing(Date.now())).toBe(false)
}

function sendJson(response: ServerResponse, body: unknown, type = 'application/json'): void {
  response.writeHead(200, { 'content-type': type }).end(JSON.stringify(body))
}

describe('a hostile or broken key server', () => {
  it('[JWKS-02] that hangs is given up on after the timeout', async () => {
    await expectOutage(await keysFrom(() => {}, 100), 'timeout')
  })

  it('[JWKS-02] that trickles its body is given up on after the timeout, and its connection closed', async () => {
    let closed: (() => void) | undefined
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve
    })
    const setup = await keysFrom((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const drip = setInterval(() => response.write(' '), 10)
      response.on('close', () => {
        clearInterval(drip)
        closed?.()
      })
    }, 150)
    await expectOutage(setup, 'timeout')
    await isClosed
  })

  it('[JWKS-02] that answers 10 MB is cut off at 512 KiB', async () => {
    let written = 0
    let closed: (() => void) | undefined
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve
    })
    const chunk = Buffer.alloc(64 * 1024, 0x20)
    const setup = await keysFrom((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const pour = (): void => {
        while (written < 10 * 1024 * 1024 && !response.destroyed) {
          written += chunk.length
          if (!response.write(chunk)) return void response.once('drain', pour)
        }
        response.end()
      }
      response.on('close', () => closed?.())
      pour()
    })
    await expectOutage(setup, 'too_large')
    await isClosed
    expect(written).toBeLessThan(10 * 1024 * 1024)
  })

  it('[JWKS-02] that announces too long a body is not read at all', async () => {
    const setup = await keysFrom((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 512 * 1024 + 1 })
      response.write('{')
    })
    await expectOutage(setup, 'too_large')
  })

  it('[JWKS-02] that sends a compressed bomb is measured by what comes out of it', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20))
    expect(bomb.length).toBeLessThan(64 * 1024)
    const setup = await keysFrom((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb)
    })
    await expectOutage(setup, 'too_large')
  })

  it('[JWKS-02] that redirects is not followed', async () => {
    const setup = await keysFrom((request, response) => {
      if (request.url === '/jwks') response.writeHead(302, { location: '/elsewhere' }).end()
      else sendJson(response, jwkSet('a'))
    })
    await expectOutage(setup, 'redirect')
    expect(setup.server.requests()).toBe(1)
  })

  it('[JWKS-02] that breaks off is an outage', async () => {
    const setup = await keysFrom((request) => void request.socket.destroy())
    await expectOutage(setup, 'network')
  })

  it.each([
    [404, 'status'],
    [500, 'status'],
    [201, 'status'],
  ])('[JWKS-01] that answers %i is an outage', async (status, reason) => {
    const setup = await keysFrom((_, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(jwkSet('a')))
    })
    await expectOutage(setup, reason)
  })

  it.each(['application/jwk-set+json', 'application/json', 'text/plain', 'text/html', 'binary/octet-stream', ''])(
    '[JWKS-01] [REAL-05] that answers a key set with media type "%s" is believed',
    async (type) => {
      const { keys } = await keysFrom((_, response) => sendJson(response, jwkSet('a'), type))
      expect(await keys.find('a', 'ES256')).toHaveLength(1)
    },
  )

  it.each(['<html>', '', 'null', '[]', '{}', '{"keys":{}}', '{"keys":null}', '{"keys":[', '"keys"'])(
    '[JOSE-16] that answers %s is an outage',
    async (body) => {
      const setup = await keysFrom((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(body)
      })
      await expectOutage(setup, 'malformed')
    },
  )

  it('that answers with bytes that are no UTF-8 is an outage', async () => {
    const setup = await keysFrom((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from([0x7b, 0xff, 0x7d]))
    })
    await expectOutage(setup, 'not_utf8')
  })

  it('[JWKS-02] [REAL-05] may publish 500 usable keys among as many others', async () => {
    const entries = Array.from({ length: 500 }, (_, index) => ({ ...testKey('a').jwk, kid: `a${index}` }))
    const others = Array.from({ length: 500 }, (_, index) => ({ kty: 'RSA', use: 'enc', kid: `e${index}` }))
    const setup = await keysFrom((_, response) => sendJson(response, { keys: [...others, ...entries] }))
    await setup.keys.warmUp()
    expect(setup.keys.health().keys).toBe(500)
    expect(await setup.keys.find('a499', 'ES256')).toHaveLength(1)
  })

  it('cannot flood the log: 100 entries passed over are told of', async () => {
    const junk = Array.from({ length: 50_000 }, () => 0)
    const { keys, events } = await keysFrom((_, response) => sendJson(response, { keys: [...junk, testKey('a').jwk] }))
    await keys.warmUp()
    expect(events.filter(({ type }) => type === 'keys.entry_skipped')).toHaveLength(100)
  })

  it.each([
    ['no key', []],
    ['no usable key', [{ kty: 'oct', k: 'c2VjcmV0' }, 7]],
  ])('[JWKS-04] that publishes %s is an outage: it must not turn good tokens away', async (_, entries) => {
    await expectOutage(await keysFrom((_, response) => sendJson(response, { keys: entries })), 'no_usable_key')
  })

  it('[JOSE-16] [JOSE-20] [REAL-44] cannot spoil good keys with bad entries beside them', async () => {
    const { jwk } = testKey('good')
    const entries = [
      null,
      'text',
      {},
      { kty: 'quantum', kid: 'q' },
      { kty: 'oct', k: 'c2VjcmV0', kid: 'o' },
      { ...jwk, kid: 'private', d: 'c2VjcmV0' },
      { ...jwk, kid: 'enc', use: 'enc' },
      { ...jwk, kid: 5 },
      { ...jwk, kid: 'short', x: 'AA' },
      offCurveJwk('off-curve'),
      jwk,
      jwk,
    ]
    const { keys, events } = await keysFrom((_, response) => sendJson(response, { keys: entries, extra: true }))
    const [good] = await keys.find('good', 'ES256')
    const skipped = events.filter(({ type }) => type === 'keys.entry_skipped')
    const check = await good?.signatureCheck('ES256')
    expect(await check?.('input', Buffer.from(testKey('good').sign('input'), 'base64url'))).toBe(true)
    const everyName = (await keys.find(undefined, undefined)).map(({ kid }) => kid)
    expect(everyName).toEqual(['off-curve', 'good'])
    const [offCurve] = await keys.find('off-curve', 'ES256')
    expect(await offCurve?.signatureCheck('ES256')).toBeUndefined()
    expect(keys.health().keys).toBe(2)
    expect(skipped.map((event) => 'reason' in event && event.reason)).toEqual([
      'not_an_object',
      'not_an_object',
      'kty',
      'kty',
      'private_or_symmetric',
      'private_or_symmetric',
      'use',
      'kid',
      'coordinates',
    ])
    expect(JSON.stringify(skipped)).not.toContain('c2VjcmV0')
  })

  it('[JWKS-04] leaves nothing of its answer in an error, an event or the health', async () => {
    const setup = await keysFrom((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"secret-7f3a": oops')
    })
    const error = (await setup.keys.warmUp().catch((thrown: unknown) => thrown)) as UnavailableError
    const cause = error.cause as Error
    const said = [error.message, error.detail, error.stack, cause.message, cause.stack, String(cause.cause)].join()
    expect(said + JSON.stringify([setup.events, setup.keys.health()])).not.toContain('secret-7f3a')
  })
})
