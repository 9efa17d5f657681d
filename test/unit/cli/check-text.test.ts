import { afterAll, describe, expect, it } from 'vitest'
import { createOutput } from '../../../src/cli/command-io.js'
import { createTestIssuer } from '../../../src/testing/index.js'
import { runInProcess } from '../../support/run-command.js'

const nowMs = 1_800_000_000_000
const clock = () => nowMs
const issuer = createTestIssuer({ clock, audience: 'https://api.test', issuer: 'https://id.example.com/realms/main' })
afterAll(() => issuer.close())
const expected = ['--issuer', issuer.issuer, '--audience', 'https://api.test']

function check(token: string, args: readonly string[] = expected, isTTY = false) {
  return runInProcess(['check', '-', ...args], { fetch: issuer.fetch, clock, stdin: token, isTTY })
}

const steps = `  ok    decode_structure
  ok    discover_issuer    https://id.example.com/.well-known/oauth-authorization-server/realms/main
  ok    fetch_jwks         1 keys
  ok    extract_public_key es256-1
  ok    verify_signature   ES256
`
const claims = `  issuer    https://id.example.com/realms/main
  audience  https://api.test
  subject   user-1
  client    test-client
  scope     read
  expires   2027-01-15T08:05:00.000Z (in 300 s)
`

describe('what check writes', () => {
  it('[S1-70] of a good token: each step, and whose it is', async () => {
    expect((await check(issuer.mintToken())).stdout).toBe(`access token: good
${steps}  ok    validate_claims

${claims}`)
  })

  it('[S1-70] of one that is refused: what was expected, what came, and the rule', async () => {
    const { stdout } = await check(issuer.mintToken({ aud: 'other' }))
    expect(stdout).toBe(`access token: refused
${steps}  FAIL  validate_claims

The token is meant for another audience. Keycloak names https://api.test in
\`aud\` where a client scope of the client has an audience mapper for it.

  expected  https://api.test
  received  other
  rule      RFC 7519 §4.1
${claims.replace('https://api.test', 'other')}`)
  })

  it('[S1-70] of one that cannot be read, nothing of the steps and the claims that are not there', async () => {
    const text = `access token: refused
  FAIL  decode_structure
  -     discover_issuer
  -     fetch_jwks
  -     extract_public_key
  -     verify_signature
  -     validate_claims

The token is not a JWT: it has no readable content. An API finds out about an
opaque token by introspection (RFC 7662).

  expected  3 segments
  received  1 segments
  rule      RFC 7515 §7.1, RFC 8725 §3
`
    expect(await check('abc')).toEqual({ exitCode: 1, stdout: text, stderr: '' })
    expect(await check('abc', [...expected, '--verbose'])).toEqual({ exitCode: 1, stdout: text, stderr: '' })
  })

  it('[S1-70] of one whose issuer nobody vouches for: that nothing is decided', async () => {
    const { stdout, stderr } = await check(issuer.mintToken(), [])
    expect(stdout).toMatch(/^access token: not decided\n {2}ok {4}decode_structure\n {2}FAIL {2}discover_issuer\n/)
    expect(stderr).toBe('note: No issuer and no audience was expected: the token may be meant for\nsomebody else.\n')
  })

  it('[S1-70] with --verbose, header and claims, where the key is from, and the key', async () => {
    const { stdout } = await check(issuer.mintToken({ jti: 'one' }), [...expected, '--verbose'])
    const [start, key = ''] = stdout.split('-----BEGIN PUBLIC KEY-----')
    expect(start?.split('(in 300 s)\n')[1]).toMatch(
      /^\nheader\n {2}typ {2}at\+jwt\n {2}alg {2}ES256\n {2}kid {2}es256-1\n\npayload\n {2}iss {8}https:\/\/id.example.com\/realms\/main\n {2}aud {8}https:\/\/api.test\n {2}sub {8}user-1\n {2}client_id {2}test-client\n {2}scope {6}read\n {2}iat {8}1800000000\n {2}exp {8}1800000300\n {2}jti {8}one\n\n {2}metadata {8}https:\/\/id.example.com\/.well-known\/oauth-authorization-server\/realms\/main\n {2}key set {9}https:\/\/id.example.com\/realms\/main\/jwks\n {2}key {13}EC P-256 256 bits\n {2}thumbprint {6}[\w-]{43}\n {2}SHA-256 of key {2}[0-9a-f]{64}\n\n$/,
    )
    expect(key).toMatch(/^\n[\w+/=\n]+\n-----END PUBLIC KEY-----\n$/)
  })

  it('[S1-70] on a terminal, with colours', async () => {
    const { stdout } = await check(issuer.mintToken({ aud: 'other' }), expected, true)
    const [title, first, , , , , last] = stdout.split('\n')
    expect(title).toBe('\u001b[1maccess token: refused\u001b[22m')
    expect(first).toBe('  \u001b[32mok  \u001b[39m  decode_structure')
    expect(last).toBe('  \u001b[31mFAIL\u001b[39m  validate_claims')
    expect((await check('abc', [], true)).stdout).toContain('  \u001b[2m-   \u001b[22m  fetch_jwks\n')
  })

  it.each([
    ['bold', 1, 22],
    ['dim', 2, 22],
    ['green', 32, 39],
    ['red', 31, 39],
    ['yellow', 33, 39],
  ] as const)('of the style %s', (style, on, off) => {
    const { style: write } = createOutput({ env: {}, stdout: { isTTY: true } } as never, false)
    expect(write(style, 'x')).toBe(`\u001b[${on}mx\u001b[${off}m`)
  })

  it.each([
    ['client    test-client', {}],
    ['client    by-azp', { client_id: undefined, azp: 'by-azp' }],
    ['client    test-client', { azp: 'by-azp' }],
    ['scope     read', { scp: ['a'] }],
    ['scope     ["a","b"]', { scope: undefined, scp: ['a', 'b'] }],
    ['expires   2027-01-15T08:00:00.000Z (over)', { exp: nowMs / 1000 }],
    ['expires   2027-01-15T08:00:02.000Z (in 2 s)', { exp: nowMs / 1000 + 2 }],
    ['expires   +275760-09-13T00:00:00.000Z (in 8638200000000 s)', { exp: 8.64e12 }],
    ['expires   never (in 8638200000001 s)', { exp: 8.64e12 + 1 }],
  ])('[S1-70] has %s for the claims %j', async (line, changed) => {
    expect((await check(issuer.mintToken(changed))).stdout).toContain(`\n  ${line}\n`)
  })

  it('[S1-70] says nothing of an expiry that is no number', async () => {
    const { stdout } = await check(issuer.mintToken({ exp: 'soon' }))
    expect(stdout).toContain('  received  soon\n')
    expect(stdout).not.toContain('expires ')
  })

  it.each(['Authorization:   Bearer   ', 'authorization:DPoP ', 'bearer\n'])(
    '[S1-70] takes a token behind %j for what it is',
    async (scheme) => {
      expect((await check(`${scheme}${issuer.mintToken()}`)).exitCode).toBe(0)
    },
  )

  it.each([
    ['a scheme in the middle', (token: string) => `x Bearer ${token}`],
    ['a quote at the end alone', (token: string) => `${token}"`],
    ['quotes in the middle', (token: string) => `x"${token}"`],
    ['a scheme before quotes', (token: string) => `Bearer "${token}"`],
    ['a scheme inside', (token: string) => `${token.slice(0, 9)}bearer ${token.slice(9)}`],
    ['quotes with nothing in them', (token: string) => `""${token}`],
    ['more behind the quotes', (token: string) => `"${token}"x`],
  ])('[S1-70] does not take %s away', async (_, write) => {
    expect((await check(write(issuer.mintToken()))).exitCode).toBe(1)
  })
})

it('[S1-70] check says every way to give a token where there is none', async () => {
  const { exitCode, stderr } = await runInProcess(['check'])
  expect(exitCode).toBe(2)
  expect(stderr).toContain(
    'portcullis: there is no token: pass a token by stdin (portcullis check -) or PORTCULLIS_TOKEN, or sign in. ',
  )
})
