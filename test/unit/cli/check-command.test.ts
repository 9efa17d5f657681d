import { afterAll, describe, expect, it } from 'vitest'
import { createTestIssuer } from '../../../src/testing/index.js'
import { type CommandWorld, runInProcess } from '../../support/run-command.js'

const nowMs = 1_800_000_000_000
const clock = () => nowMs
const issuer = createTestIssuer({ clock, audience: 'https://api.test', issuer: 'https://id.example.com/realms/main' })
afterAll(() => issuer.close())

const world: CommandWorld = { fetch: issuer.fetch, clock }
const expected = ['--issuer', issuer.issuer, '--audience', 'https://api.test']
const good = issuer.mintToken()
const idToken = issuer.mintToken(
  { aud: 'my-app', azp: 'my-app', typ: 'ID', nonce: 'n', at_hash: 'h', client_id: undefined, scope: undefined },
  { header: { typ: 'JWT' } },
)

function check(token: string, args: readonly string[] = expected, more: CommandWorld = {}) {
  return runInProcess(['check', '-', ...args], { ...world, stdin: token, ...more })
}

describe('portcullis check', () => {
  const outcomes: readonly [title: string, token: string, args: readonly string[], exitCode: number, words: string][] =
    [
      ['a good token', good, expected, 0, 'access token: good'],
      ['one named as an access token', good, [...expected, '--access-token'], 0, 'access token: good'],
      [
        'a good ID token',
        idToken,
        ['--id-token', '--issuer', issuer.issuer, '--audience', 'my-app'],
        0,
        'ID token: good',
      ],
      ['another audience', good, ['--issuer', issuer.issuer, '--audience', 'other'], 1, 'meant for another audience'],
      ['another issuer', good, ['--issuer', 'https://other.example.com'], 1, 'another issuer'],
      ['a changed token', issuer.mintToken({}, { tamper: 'signature' }), expected, 1, 'FAIL  verify_signature'],
      ['an opaque token', 'abc', expected, 1, 'introspection'],
      [
        'an ID token of another client',
        idToken,
        ['--id-token', '--issuer', issuer.issuer, '--audience', 'x'],
        1,
        'client_id',
      ],
      ['an issuer that nobody named', good, [], 2, '--allow-discovery'],
      ['an issuer that any may be', good, ['--allow-discovery'], 0, 'access token: good'],
      ['a stamped kind', good, ['--id-token', ...expected], 1, 'This is an access token'],
    ]
  it.each(outcomes)('[S1-70] tells %s', async (_, token, args, exitCode, words) => {
    const result = await check(token, args)
    expect(`${result.stdout}`.replace(/\s+/g, ' ')).toContain(words.replace(/\s+/g, ' '))
    expect(result.exitCode).toBe(exitCode)
  })

  it('[S1-70] explains on one screen why an ID token of Keycloak is refused by an API, and what to ask for', async () => {
    const { stdout, exitCode } = await check(idToken)
    expect(exitCode).toBe(1)
    expect(stdout.split('\n').length).toBeLessThanOrEqual(24)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    const text = stdout.replace(/\s+/g, ' ')
    expect(text).toContain('This is an ID token. It tells the client who signed in; an API must not take it.')
    expect(text).toContain('Send the `access_token` of the same token response instead.')
    expect(text).toContain(
      'Keycloak names https://api.test in `aud` where a client scope of the client has an audience mapper',
    )
  })

  it('[S1-70] says that it cannot tell when the issuer is not there', async () => {
    const down = () => Promise.reject(new Error('down'))
    expect(await check(good, expected, { fetch: down })).toMatchObject({ exitCode: 2 })
  })

  it('[S1-70] takes the token from stdin, the environment or an argument, as people copy it', async () => {
    for (const text of [`"${good}"`, `Bearer ${good}\n`, `Authorization: DPoP ${good}`, ` '${good}' `]) {
      expect((await check(text)).exitCode).toBe(0)
    }
    const chunks = { ...world, stdin: [Buffer.from(good.slice(0, 50)), Buffer.from(good.slice(50))] }
    expect((await runInProcess(['check', '-', ...expected], chunks)).exitCode).toBe(0)
    const fromEnvironment = await runInProcess(['check', ...expected], { ...world, env: { PORTCULLIS_TOKEN: good } })
    expect(fromEnvironment).toMatchObject({ exitCode: 0, stderr: '' })
    for (const args of [[good], ['--token', good]]) {
      const result = await runInProcess(['check', ...args, ...expected], world)
      expect(result.exitCode).toBe(0)
      expect(result.stderr).toContain('other users of this machine can see a token')
    }
  })

  it.each([
    [['check', good, '--token', good], 'give the token once'],
    [['check', '-', '--id-token', '--access-token'], 'exclude each other'],
    [['check'], 'there is no token'],
    [['check', '-', '--issuer', 'ftp://x'], 'https URL'],
  ])('[S1-70] refuses %j', async (args, words) => {
    const result = await runInProcess(args, { ...world, stdin: 'x' })
    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain(words)
  })

  it('[S1-70] says so where stdin holds no token, and tells a person what to do', async () => {
    const empty = await runInProcess(['check', '-'], { stdin: ' \n' })
    expect(empty).toMatchObject({ exitCode: 2, stderr: 'portcullis: there is no token on stdin\n' })
    const typed = await runInProcess(['check', '-', ...expected], { ...world, stdin: good, isTTY: true })
    expect(typed.stderr).toBe('paste the token, then press Enter and Ctrl-D:\n')
  })

  it('[S1-70] reads no more from stdin than a token can have', async () => {
    const result = await runInProcess(['check', '-'], { stdin: ['a'.repeat(131_072), 'b'] })
    expect(result).toMatchObject({ exitCode: 2 })
    expect(result.stderr).toContain('more on stdin')
  })

  it('[S1-70] [S1-68] writes the report as JSON', async () => {
    const { stdout } = await check(idToken, [...expected, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'access_token',
      ok: false,
      failed: 'decode_structure',
      conclusive: true,
      payload: { typ: 'ID' },
      audienceMatch: 'mismatch',
    })
    expect(stdout).not.toContain(idToken.split('.')[2])
  })

  it('[S1-70] shows header, claims and key with --verbose', async () => {
    const { stdout } = await check(good, [...expected, '--verbose'])
    expect(stdout).toContain('\nheader\n')
    expect(stdout).toContain('-----BEGIN PUBLIC KEY-----')
    expect(stdout).toContain('EC P-256 256 bits')
    const unread = await check('a.b.c', ['--verbose'])
    expect(unread.stdout).not.toContain('payload')
    const { stdout: noKid } = await check(issuer.mintToken({ exp: 9e15 }, { header: { kid: undefined } }), [
      '--verbose',
      ...expected,
    ])
    expect(noKid).toContain('never')
  })

  it('[S1-70] says of an expired token when that was, and of an RSA key how long it is', async () => {
    const rsa = createTestIssuer({ clock, audience: 'https://api.test', algorithms: ['RS256'] })
    const args = ['--issuer', rsa.issuer, '--audience', 'https://api.test', '--verbose']
    const expired = rsa.mintToken({ iat: nowMs / 1000 - 7200, exp: nowMs / 1000 - 3600 })
    const { exitCode, stdout } = await check(expired, args, { fetch: rsa.fetch })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('2027-01-15T07:00:00.000Z (over)')
    expect((await check(rsa.mintToken(), args, { fetch: rsa.fetch })).stdout).toMatch(/RSA \d+ bits/)
    await rsa.close()
  })

  it('[S1-70] says nothing on stderr with --quiet', async () => {
    expect((await check(good, ['--allow-discovery'])).stderr).toContain('note: No issuer')
    expect((await check(good, ['--allow-discovery', '--quiet'])).stderr).toBe('')
  })

  it('[S1-70] asks an issuer on this machine over http where it is typed', async () => {
    const local = createTestIssuer({ clock })
    await local.listen()
    const { fetch } = globalThis
    const result = await runInProcess(['check', '-', '--issuer', local.issuer], {
      clock,
      fetch,
      stdin: local.mintToken(),
    })
    await local.close()
    expect(result.exitCode).toBe(0)
    expect(result.stdout).toContain('good')
  })
})
