import { afterAll, describe, expect, it } from 'vitest'
import { diagnoseToken } from '../../src/explain/diagnose-token.js'
import { createTestIssuer } from '../../src/testing/index.js'

const issuer = createTestIssuer({ issuer: 'https://issuer.test' })
afterAll(() => issuer.close())

/** Places that a token must never send the machine of its reader to. */
const hostileIssuers = [
  ...[
    'https://evil.test',
    'https://evil.test/realms/main',
    'https://issuer.test.evil.test',
    'https://issuer.test@evil.test',
  ],
  ...[
    'https://issuer.test:8443',
    'https://issuer.test/',
    'https://ISSUER.test',
    'https://issuer.test/..',
    'https://issuer.test?x',
  ],
  ...[
    'https://issuer.test#x',
    'http://issuer.test',
    ' https://issuer.test',
    'https://issuer.test ',
    'https://issuer.test\n',
  ],
  ...[
    'https://issuer.test\u0000',
    'https://issuer\u2024test',
    'https://xn--issuer-.test',
    '//issuer.test',
    'issuer.test',
  ],
  ...[
    'http://169.254.169.254/latest/meta-data',
    'https://169.254.169.254',
    'https://127.0.0.1',
    'http://127.0.0.1:8080',
  ],
  ...['https://[::1]', 'https://[::ffff:127.0.0.1]', 'https://localhost', 'https://10.0.0.1', 'https://192.168.1.1'],
  ...[
    'https://172.16.0.1',
    'https://100.64.0.1',
    'https://0x7f000001',
    'https://2130706433',
    'https://127.1',
    'https://0',
  ],
  ...[
    'https://metadata.google.internal',
    'https://intranet',
    'https://printer.local',
    'https://[fd00::1]',
    'https://[fe80::1]',
  ],
  ...['file:///etc/passwd', 'javascript:alert(1)', 'data:text/plain,x', 'gopher://evil.test', 'ftp://issuer.test', ''],
  ...['a'.repeat(10_000), '__proto__', 'constructor'],
]

function recording() {
  const asked: string[] = []
  const fetch = async (url: string) => {
    asked.push(url)
    return new Response('{}', { headers: { 'content-type': 'application/json' } })
  }
  return { asked, fetch }
}

describe('the token checker and the issuer a token names', () => {
  it.each(hostileIssuers)('[S1-53] asks nobody for %j that only the token names', async (iss) => {
    const { asked, fetch } = recording()
    const token = issuer.mintToken({ iss }, { header: { jku: 'https://evil.test/jwks', x5u: 'https://evil.test/x' } })
    const options = { fetch, trustedIssuers: ['https://issuer.test'] }
    const report = await diagnoseToken(token, options)
    const expected = await diagnoseToken(token, { ...options, expectedIssuer: 'https://issuer.test' })
    expect([report.failed, expected.failed]).toEqual(['discover_issuer', 'discover_issuer'])
    expect(asked).toEqual([])
    expect(report.warnings.join()).toContain('`jku`')
  })

  it('[S1-53] asks the public internet only where any issuer is allowed', async () => {
    const inside = hostileIssuers.filter((iss) =>
      /^https:\/\/(?:[\d[]|localhost|metadata|intranet|printer|0x)/.test(iss),
    )
    expect(inside.length).toBeGreaterThan(15)
    for (const iss of inside) {
      const { asked, fetch } = recording()
      const report = await diagnoseToken(issuer.mintToken({ iss }), { fetch, network: 'any' })
      expect(report, iss).toMatchObject({ failed: 'discover_issuer' })
      expect(asked, iss).toEqual([])
    }
  })

  it('[S1-54] follows no jwks_uri into the private network, of whomever it comes', async () => {
    const asked: string[] = []
    const fetch = async (url: string) => {
      asked.push(url)
      return Response.json({ issuer: 'https://issuer.test', jwks_uri: 'https://10.0.0.1/jwks' })
    }
    const token = issuer.mintToken()
    for (const options of [{ expectedIssuer: 'https://issuer.test' }, { network: 'any' }] as const) {
      const report = await diagnoseToken(token, { fetch, ...options })
      expect(report).toMatchObject({ failed: 'fetch_jwks', conclusive: false })
      expect(report.sentence).toContain('not on the public internet')
    }
    expect(asked.every((url) => url.startsWith('https://issuer.test/'))).toBe(true)
  })

  it('[S1-56] never takes the key that verifies instead of the one that is named', async () => {
    const other = createTestIssuer({ issuer: 'https://issuer.test' })
    const { kid } = other.signingKey()
    const wrong = { ...other.publishedKeys()[0], kid: 'other' }
    const keys = [{ ...issuer.publishedKeys()[0], kid }, wrong]
    const report = await diagnoseToken(other.mintToken(), { keys })
    await other.close()
    expect(report).toMatchObject({ failed: 'verify_signature' })
  })

  it.each(['header', 'payload', 'signature'] as const)('[S1-56] finds a changed %s', async (tamper) => {
    const report = await diagnoseToken(issuer.mintToken({}, { tamper }), { keys: issuer.publishedKeys() })
    expect(report.ok).toBe(false)
    expect(report.steps.at(-1)?.outcome).toBe('skipped')
  })
})
