import { channel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { createResourceServer } from 'portcullis'
import { type InspectorOptions, inspector } from 'portcullis/inspector'
import { createTestIssuer } from 'portcullis/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { pageToken, resource } from '../../support/inspected-api.js'

const issuer = createTestIssuer()
const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch })
const quiet = { announce: () => {} }

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('inspector', () => {
  it('is not made where NODE_ENV says production, unless that is forced by name', () => {
    vi.stubEnv('NODE_ENV', 'production')
    const mistake = expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('NODE_ENV') })
    expect(() => inspector(server, quiet)).toThrow(mistake)
    expect(() => inspector(server, { ...quiet, dangerouslyInProduction: false })).toThrow(mistake)
    inspector(server, { ...quiet, dangerouslyInProduction: true }).close()
    vi.stubEnv('NODE_ENV', 'development')
    inspector(server, quiet).close()
  })

  it('tells its address once, with a token that is random, and shows it in no listing', () => {
    const told: string[] = []
    const pages = [1, 2].map(() => inspector(server, { announce: (address) => void told.push(address) }))
    expect(told).toEqual(pages.map(({ address }) => address))
    expect(new Set(told).size).toBe(2)
    for (const address of told) expect(address).toMatch(/^\/\.portcullis\/#[\w-]{43}$/)
    const [first] = pages
    const token = first?.address.split('#')[1] as string
    expect(inspect(first, { depth: 9, showHidden: false })).not.toContain(token)
    expect(JSON.stringify({ ...first })).not.toContain(token)
    for (const page of pages) page.close()
  })

  it('listens to the process until it is closed', () => {
    const events = channel('portcullis:event')
    const page = inspector(server, quiet)
    expect(events.hasSubscribers).toBe(true)
    page.close()
    expect(events.hasSubscribers).toBe(false)
  })

  it('prints one line where nobody wants the address', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const page = inspector(server, { token: pageToken, path: '/dev/page/' })
    page.close()
    expect(write.mock.calls).toEqual([
      [`Portcullis: development page of this application at /dev/page/#${pageToken}\n`],
    ])
  })

  it('takes its token from the environment, so that an open page outlives the process', () => {
    vi.stubEnv('PORTCULLIS_INSPECTOR_TOKEN', pageToken)
    const page = inspector(server, quiet)
    expect(page.address).toBe(`/.portcullis/#${pageToken}`)
    page.close()
    vi.stubEnv('PORTCULLIS_INSPECTOR_TOKEN', 'short')
    expect(() => inspector(server, quiet)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('`PORTCULLIS_INSPECTOR_TOKEN` takes at least 32') }),
    )
  })

  it.each<[InspectorOptions, string]>([
    [{ token: 'short' }, '`token` takes at least 32'],
    [{ path: 'page' }, '`path` takes a path'],
    [{ path: '/' }, '`path` takes a path'],
    [{ path: 'x/page/' }, '`path` takes a path'],
    [{ path: '/page' }, '`path` takes a path'],
    [{ path: '/page/x' }, '`path` takes a path'],
    [{ path: '/a b/' }, '`path` takes a path'],
    [{ path: ['/page/'] as never }, '`path` takes a path'],
    [{ token: 'a'.repeat(31) }, '`token` takes at least 32'],
    [{ token: `${'a'.repeat(32)} ` }, '`token` takes at least 32'],
    [{ token: ` ${'a'.repeat(32)}` }, '`token` takes at least 32'],
    [{ token: ['a'.repeat(32)] as never }, '`token` takes at least 32'],
    [{ verbosity: 5 } as never, 'inspector has no option `verbosity`'],
    [{ dangerouslyAllowFrom: '0.0.0.0/0' }, '`dangerouslyAllowFrom` takes IP addresses'],
    [{ dangerouslyAllowFrom: 'docker' }, '`dangerouslyAllowFrom` takes IP addresses'],
    [{ tokens: pageToken } as InspectorOptions, 'Did you mean `token`?'],
  ])('refuses %j', (options, detail) => {
    expect(() => inspector(server, { ...quiet, ...options })).toThrow(
      expect.objectContaining({ message: expect.stringContaining(detail) }),
    )
  })

  it.each<InspectorOptions>([{ path: '/a/b-c/~d/' }, { path: '/a/' }, { token: 'a'.repeat(32) }])(
    'takes %j',
    (options) => {
      const page = inspector(server, { ...quiet, ...options })
      page.close()
      expect(page.address).toContain(options.path ?? options.token)
    },
  )

  it('refuses what createResourceServer did not make', () => {
    for (const wrong of [{ ...server }, undefined, null, 'server', [server, {}]]) {
      expect(() => inspector(wrong as never, quiet)).toThrow(
        expect.objectContaining({ message: expect.stringContaining('what `createResourceServer` makes') }),
      )
    }
  })
})
