import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyPrograms } from '../../../src/cli/token-command.js'
import { type UserMachine, userMachine } from '../../support/signed-in-command.js'

let machine: UserMachine
beforeEach(() => {
  machine = userMachine()
})
afterEach(() => machine.close())

const issuer = 'https://id.example.com'
const corporate = { issuer, clientId: 'my-app' }

describe('portcullis login', () => {
  it('[S1-71] [S2-10] says where the tokens are kept before it shows the address, and signs in by it', async () => {
    const { exitCode, stdout, stderr } = await machine.signIn()
    expect(exitCode).toBe(0)
    expect(stdout).toBe(`signed in as user-1 at ${issuer}\n`)
    expect(stderr).toMatch(/^tokens will be kept in: file .* \(PLAIN TEXT\)\nopen this address/)
    expect(machine.asked.map(({ path, form }) => [path, form.get('grant_type')])).toEqual([
      ['/token', 'authorization_code'],
    ])
  })

  it('[S1-71] signs in on another device', async () => {
    const { exitCode, stderr } = await machine.run(['login', '--device', '--json'])
    expect(exitCode).toBe(0)
    expect(stderr).toContain(`open ${issuer}/d on any device and enter the code WDJB-MJHT`)
    expect(stderr).toContain('agree only to a login that you started yourself')
    expect(stderr).not.toContain('canary')
  })

  it('[S1-71] signs in by the address that is pasted', async () => {
    const redirectUri = 'https://app.example.com/done'
    machine.configure({ tokenStore: 'file', providers: { corporate: { ...corporate, redirectUri, mode: 'manual' } } })
    let paste: (text: string) => void = () => {}
    const pasted = new Promise<string>((resolve) => {
      paste = resolve
    })
    async function* stdin() {
      yield `${await pasted}\n`
    }
    const onWords = (text: string) => {
      const [address] = /https:\S+authorize\S+/.exec(text) ?? []
      if (address !== undefined) paste(`${redirectUri}?code=x&state=${new URL(address).searchParams.get('state')}`)
    }
    const asked = await machine.signIn(['--mode', 'manual'], { stdin: stdin() as never, onWords })
    expect(asked.stderr).toContain('then paste the address')
    expect(machine.asked[0]?.form.get('redirect_uri')).toBe(redirectUri)
    const nothing = await machine.run(['login', '--manual'], { stdin: '' })
    expect(nothing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('nothing was pasted') })
  })

  it('[S1-71] leaves who is signed in alone, unless told otherwise', async () => {
    await machine.signIn()
    const again = await machine.signIn()
    expect(again).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: 'signed in with corporate already; --force signs in anew\n',
    })
    expect(machine.asked).toHaveLength(1)
    const forced = await machine.signIn(['--force', '--scope', 'openid  profile', '--port', '0', '--json'])
    expect(JSON.parse(forced.stdout)).toMatchObject({
      provider: 'corporate',
      account: { issuer, subject: 'user-1' },
      scope: ['openid', 'profile'],
      store: { kind: 'file', atRest: 'plaintext' },
    })
    expect(forced.stdout).not.toContain('canary')
  })

  it.each([
    [['--device', '--manual'], 'exclude each other'],
    [['--mode', 'device', '--device'], 'exclude each other'],
    [['--mode', 'window'], '--mode takes one of auto, loopback, device, manual'],
    [['--port', '70000'], '--port takes'],
    [['--port', 'x'], '--port takes'],
    [['other'], 'there is no provider other; known: corporate'],
    [['--manual'], 'A manual login takes `redirectUri` and `prompt`'],
    [['--config', 'absent.json'], 'cannot be read (ENOENT)'],
  ])('[S1-71] refuses login %j', async (args, words) => {
    const result = await machine.run(['login', ...args])
    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain(words)
    expect(machine.asked).toEqual([])
  })

  it('[S1-71] ends with 1 when the user is refused, and says why without a secret', async () => {
    machine.answers['/token'] = () =>
      Response.json({ error: 'access_denied', error_description: 'canary-text' }, { status: 400 })
    const denied = await machine.run(['login', '--device'])
    expect(denied.exitCode).toBe(1)
    expect(denied.stderr).toMatch(/\nportcullis: The login was denied \(ERR_LOGIN_DENIED\)\n$/)
  })

  it('[S1-71] [S2-02] probes the store before the address is shown, and shows none where it does not work', async () => {
    machine.configure({ tokenStore: 'encrypted', providers: { corporate } })
    const without = await machine.signIn()
    expect(without).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('PORTCULLIS_SEAL_KEY') })
    const home = mkdtempSync(join(tmpdir(), 'portcullis-open-'))
    chmodSync(home, 0o755)
    machine.configure({ tokenStore: 'file', providers: { corporate } })
    writeFileSync(join(home, 'portcullis'), 'a file where a folder has to be')
    const broken = await machine.signIn(['--force'], { env: { XDG_STATE_HOME: home } })
    expect(broken).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('ERR_TOKEN_STORE') })
    expect(broken.stderr).not.toContain('open this address')
    expect(machine.asked).toEqual([])
  })

  it('[S1-71] keeps tokens sealed with a key of the environment, or in memory alone', async () => {
    const env = { PORTCULLIS_SEAL_KEY: Buffer.alloc(64, 7).toString('base64url') }
    machine.configure({ tokenStore: 'encrypted', providers: { corporate } })
    const home = mkdtempSync(join(tmpdir(), 'portcullis-sealed-'))
    const world = { env: { ...env, XDG_STATE_HOME: home } }
    expect((await machine.signIn([], world)).stderr).toContain('(encrypted)')
    expect((await machine.run(['whoami'], world)).exitCode).toBe(0)
    machine.configure({ tokenStore: 'memory', providers: { corporate } })
    expect((await machine.signIn()).stderr).toContain('gone with this process')
    expect((await machine.run(['whoami'])).exitCode).toBe(1)
  })
})

describe('portcullis status', () => {
  it('[S1-71] tells how long the tokens last', async () => {
    expect(await machine.run(['status'])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('corporate: not signed in'),
    })
    await machine.signIn()
    const good = await machine.run(['status', '--utc'])
    expect(good).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('good, 2027-01-15T08:05:00.000Z, in 300 s'),
    })
    expect((await machine.run(['status'])).stdout).toContain('in 300 s')
    machine.later(200)
    const soon = JSON.parse((await machine.run(['status', '--json'])).stdout)
    expect(soon).toMatchObject({
      isUsable: true,
      access: 'expiring soon',
      refresh: 'good',
      account: { subject: 'user-1' },
    })
    const early = await machine.run(['status', '--soon', '60', '--refresh-soon', '172800', '--json'])
    expect(JSON.parse(early.stdout)).toMatchObject({ access: 'good', refresh: 'expiring soon' })
    machine.later(200)
    expect(JSON.parse((await machine.run(['status', '--json'])).stdout)).toMatchObject({
      access: 'expired',
      isUsable: true,
    })
    machine.later(4000)
    expect(await machine.run(['status'])).toMatchObject({ exitCode: 1 })
    expect(machine.asked).toHaveLength(1)
  })

  it.each([
    ['--soon', '59'],
    ['--soon', '3601'],
    ['--refresh-soon', '172801'],
    ['--refresh-soon', 'x'],
  ])('[S1-71] refuses status %s %s', async (flag, value) => {
    expect(await machine.run(['status', flag, value])).toMatchObject({ exitCode: 2 })
  })
})

describe('portcullis token', () => {
  it('[S1-71] prints a token that has not expired, in the form asked for', async () => {
    expect(await machine.run(['token'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('not signed in with corporate'),
    })
    await machine.signIn()
    const { stdout } = await machine.run(['token'])
    expect(machine.secrets).toContain(stdout.trim())
    expect((await machine.run(['token', '--header'])).stdout).toBe(`Authorization: Bearer ${stdout}`)
    expect(machine.secrets).toContain((await machine.run(['token', '--show-refresh'])).stdout.trim())
    const decoded = await machine.run(['token', '--decode', '--json'])
    expect(JSON.parse(decoded.stdout)).toMatchObject({ header: { alg: 'ES256' }, payload: { sub: 'user-1' } })
    expect(decoded.stdout).not.toContain(stdout.trim().split('.')[2])
    expect(machine.asked).toHaveLength(1)
    const renewed = await machine.run(['token', '--refresh'])
    expect(renewed.stdout).not.toBe(stdout)
    expect(machine.asked.at(-1)?.form.get('grant_type')).toBe('refresh_token')
    machine.later(301)
    expect((await machine.run(['token'])).stdout).not.toBe(renewed.stdout)
  })

  it('[S1-71] says that an opaque token cannot be decoded, and that there is no refresh token', async () => {
    machine.answers['/token'] = () => Response.json({ access_token: 'opaque', token_type: 'Bearer', expires_in: 300 })
    machine.configure({
      tokenStore: 'file',
      providers: {
        plain: {
          type: 'oauth2',
          clientId: 'x',
          mode: 'device',
          endpoints: {
            ...{ authorization: `${issuer}/authorize`, token: `${issuer}/token`, userinfo: `${issuer}/userinfo` },
            deviceAuthorization: `${issuer}/device`,
          },
        },
      },
    })
    expect(await machine.run(['login'])).toMatchObject({ exitCode: 0 })
    expect(await machine.run(['token', '--decode'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('opaque'),
    })
    expect(await machine.run(['token', '--show-refresh'])).toMatchObject({ exitCode: 1 })
    expect(await machine.run(['check'])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no ID token') })
    const { stdout } = await machine.run(['whoami'])
    expect(stdout).toContain('name  Ann')
    const ofProtocol = 'aud azp exp iat nbf jti nonce at_hash c_hash s_hash sid session_state auth_time typ'.split(' ')
    const claims = { sub: 'user-1', name: 'Ann', ...Object.fromEntries(ofProtocol.map((name) => [name, 'x'])) }
    machine.answers['/userinfo'] = () => Response.json(claims)
    expect((await machine.run(['whoami'])).stdout).toBe('  sub   user-1\n  name  Ann\n')
    const all = (await machine.run(['whoami', '--raw'])).stdout
    for (const name of ofProtocol) expect(all).toMatch(new RegExp(`^  ${name} +x$`, 'm'))
  })

  it('[S1-71] copies through the stdin of a program', async () => {
    await machine.signIn()
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-copy-'))
    const program = join(folder, 'xclip')
    writeFileSync(program, `#!/bin/sh\n/bin/cat > '${folder}/copied'\necho "$@" > '${folder}/args'\n`, { mode: 0o700 })
    const home = { XDG_STATE_HOME: machine.home }
    const copied = await machine.run(['token', '--copy'], { env: { ...home, PATH: folder } })
    expect(copied).toMatchObject({ exitCode: 0, stdout: '', stderr: 'copied\n' })
    const { readFileSync } = await import('node:fs')
    expect(machine.secrets).toContain(readFileSync(join(folder, 'copied'), 'utf8'))
    expect(readFileSync(join(folder, 'args'), 'utf8')).toBe('-selection clipboard\n')
    const none = await machine.run(['token', '--copy'], { env: { ...home, PATH: '/nowhere' } })
    expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no program here that copies') })
    const env = { SystemRoot: 'D:\\Windows' }
    expect(copyPrograms({ platform: 'win32', env })).toEqual([['D:\\Windows\\System32\\clip.exe']])
    expect(copyPrograms({ platform: 'darwin', env })).toEqual([['pbcopy']])
  })

  it.each([
    [['--header', '--decode'], '--header and --decode exclude each other'],
    [['--copy', '--decode'], 'exclude'],
    [['--show-refresh', '--header'], 'exclude'],
    [['--show-refresh', '--copy'], 'exclude'],
    [['--show-refresh', '--decode'], 'exclude'],
    [['--json'], '--json needs --decode'],
  ])('[S1-71] refuses token %j', async (args, words) => {
    expect(await machine.run(['token', ...args])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(words) })
  })
})

describe('portcullis whoami', () => {
  it('[S1-71] shows the claims of the ID token', async () => {
    expect(await machine.run(['whoami'])).toMatchObject({ exitCode: 1 })
    await machine.signIn()
    const { stdout } = await machine.run(['whoami'])
    expect(stdout).toContain('email  ann@example.com')
    expect(stdout).not.toContain('nonce')
    expect((await machine.run(['whoami', '--raw'])).stdout).toContain('nonce')
    const json = JSON.parse((await machine.run(['whoami', '--json'])).stdout)
    expect(json).toMatchObject({ provider: 'corporate', account: { subject: 'user-1' }, claims: { sub: 'user-1' } })
  })
})

describe('portcullis logout', () => {
  it('[S1-71] revokes the tokens and forgets them', async () => {
    expect(await machine.run(['logout'])).toMatchObject({ exitCode: 1, stderr: 'not signed in\n' })
    await machine.signIn()
    expect(await machine.run(['logout'])).toMatchObject({
      exitCode: 0,
      stdout: 'signed out of corporate (tokens revoked)\n',
    })
    expect(machine.asked.slice(1).map(({ form }) => form.get('token_type_hint'))).toEqual([
      'refresh_token',
      'access_token',
    ])
    expect(await machine.run(['status'])).toMatchObject({ exitCode: 1 })
  })

  it('[S1-71] asks nobody with --no-revoke, and ends every account with --all', async () => {
    machine.configure({ tokenStore: 'file', providers: { corporate, other: corporate } })
    await machine.signIn(['corporate'])
    await machine.signIn(['other'])
    const before = machine.asked.length
    const ended = await machine.run(['logout', '--all', '--no-revoke', '--json'])
    expect(JSON.parse(ended.stdout)).toEqual([
      { provider: 'corporate', revocation: 'nothing' },
      { provider: 'other', revocation: 'nothing' },
    ])
    expect(machine.asked).toHaveLength(before)
    await machine.signIn(['other'])
    expect(await machine.run(['logout', '--all', 'other'])).toMatchObject({ exitCode: 0 })
  })

  it('[S1-71] says so when the server did not revoke', async () => {
    await machine.signIn()
    machine.answers['/revoke'] = () => new Response('', { status: 400 })
    const failed = await machine.run(['logout'])
    expect(failed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('did not revoke') })
    expect(await machine.run(['status'])).toMatchObject({ exitCode: 1 })
    expect(await machine.run(['logout', '--revoke', '--no-revoke'])).toMatchObject({ exitCode: 2 })
  })
})

describe('portcullis providers, preflight and check', () => {
  it('[S1-71] [S1-81] lists the providers without their secrets', async () => {
    const providers = { corporate: { ...corporate, clientSecret: 'canary-secret' }, other: corporate }
    machine.configure({ defaultProvider: 'corporate', tokenStore: 'file', providers })
    const plain = await machine.run(['providers'])
    expect(plain.stdout).toBe('corporate (default)\nother\n')
    const verbose = await machine.run(['providers', '--verbose'])
    expect(verbose.stdout).toContain('tokenStore  file')
    const json = await machine.run(['providers', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({
      providers: [{ name: 'corporate', isDefault: true }, { name: 'other' }],
    })
    expect(verbose.stdout + json.stdout).not.toContain('canary')
    expect(await machine.run(['providers', 'x'])).toMatchObject({ exitCode: 2 })
  })

  it('[S1-71] names the providers where none is meant', async () => {
    machine.configure({ providers: { a: corporate, b: corporate } })
    expect(await machine.run(['status'])).toMatchObject({ exitCode: 2, stderr: 'portcullis: name a provider: a, b\n' })
  })

  it('[S1-71] [S1-16] tries a provider before a deployment', async () => {
    const ready = await machine.run(['preflight'])
    expect(ready).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('corporate: ready') })
    expect(ready.stdout).toContain('`--check-client`')
    expect((await machine.run(['preflight', '--check-client'])).stdout).not.toContain('--check-client')
    expect(JSON.parse((await machine.run(['preflight', '--json'])).stdout)).toMatchObject({
      ok: true,
      provider: 'corporate',
    })
    machine.configure({
      tokenStore: 'file',
      providers: { corporate: { ...corporate, issuer: 'https://absent.example.com' } },
    })
    const broken = await machine.run(['preflight'])
    expect(broken).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('FAIL  discovery') })
    expect((await machine.run(['preflight', '--json'])).exitCode).toBe(1)
  })

  it('[S1-70] checks the token of the login where none is given', async () => {
    await machine.signIn()
    expect(await machine.run(['check'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('ID token: good'),
    })
    const access = await machine.run(['check', '--access-token'])
    expect(access).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('access token: good') })
    await machine.run(['logout', '--no-revoke'])
    expect(await machine.run(['check'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('not signed in'),
    })
  })

  it('[S1-70] warns of what should be mended in the configuration', async () => {
    machine.configure({ providers: { corporate: { ...corporate, clientSecret: 'canary' } } }, 0o644)
    const { stderr } = await machine.run(['providers', '--quiet'])
    expect(stderr).toContain('warning: providers.corporate.clientSecret')
    expect(stderr).not.toContain('canary')
  })
})

describe('secrets', () => {
  it('[S1-71] show in no output but that of token', async () => {
    const outputs = [
      await machine.signIn(['--json']),
      ...(await Promise.all(
        [
          ['status'],
          ['status', '--json'],
          ['whoami', '--json'],
          ['providers', '--json'],
          ['check', '--json', '--verbose'],
        ].map((args) => machine.run(args)),
      )),
      await machine.run(['logout', '--json']),
    ]
    const [login, ...others] = outputs
    const text = others.map(({ stdout, stderr }) => stdout + stderr).join('')
    const shown = [...machine.secrets].filter((secret) => text.includes(secret))
    // The nonce is a claim of the ID token that `check` and `whoami` show; it is spent.
    expect(shown.filter((secret) => secret !== machine.nonce)).toEqual([])
    expect([...machine.secrets].filter((secret) => login?.stdout.includes(secret))).toEqual([])
    expect(machine.secrets.size).toBeGreaterThan(4)
  })
})

describe('a configuration that gives the name of a provider to another server', () => {
  const elsewhere = [
    { ...corporate, issuer: 'https://evil.example.com' },
    {
      ...corporate,
      endpoints: { token: 'https://evil.example.com/token', revocation: 'https://evil.example.com/end' },
    },
  ]

  it.each(elsewhere)('gets none of its tokens, and takes none away', async (foreign) => {
    await machine.signIn()
    const before = machine.asked.length
    machine.configure({ tokenStore: 'file', providers: { corporate: foreign } })
    machine.later(301)
    expect((await machine.run(['token'])).exitCode).toBe(1)
    expect(await machine.run(['logout'])).toMatchObject({ exitCode: 1, stderr: 'not signed in\n' })
    expect(await machine.run(['logout', '--all'])).toMatchObject({ exitCode: 1, stderr: 'not signed in\n' })
    expect(machine.asked.length).toBe(before)
    machine.configure({ tokenStore: 'file', providers: { corporate } })
    expect((await machine.run(['token'])).exitCode).toBe(0)
  })

  it.each([
    [elsewhere[0], 'https://evil.example.com'],
    [elsewhere[1], 'https://id.example.com https://evil.example.com'],
  ] as const)('is told whose tokens are kept, and is not signed in by them', async (foreign, named) => {
    await machine.signIn()
    machine.configure({ tokenStore: 'file', providers: { corporate: { ...foreign, clientSecret: 'env:ABSENT' } } })
    const before = machine.asked.length
    const warning = `warning: tokens of another server are kept for corporate: of https://id.example.com, not of ${named}\n`
    const status = await machine.run(['status', '--json'])
    expect([status.exitCode, status.stderr, JSON.parse(status.stdout)]).toEqual([
      1,
      warning,
      expect.objectContaining({ isUsable: false, access: 'absent', refresh: 'absent' }),
    ])
    expect(status.stdout).not.toContain('user-1')
    for (const line of ['whoami', 'whoami --raw', 'token', 'check']) {
      const result = await machine.run(line.split(' '))
      expect([line, result.exitCode, result.stdout]).toEqual([line, 1, ''])
      expect(result.stderr).toContain(warning)
      expect(result.stderr).toContain('not signed in with corporate: portcullis login corporate')
    }
    expect(machine.asked.length).toBe(before)
  })

  it('is signed in with by a login of its own', async () => {
    await machine.signIn()
    const endpoints = { revocation: 'https://elsewhere.example.com/end' }
    machine.configure({ tokenStore: 'file', providers: { corporate: { ...corporate, endpoints } } })
    const again = await machine.signIn()
    expect([again.exitCode, again.stderr.includes('signed in with corporate already')]).toEqual([0, false])
    expect(await machine.run(['status'])).toMatchObject({ exitCode: 0, stderr: '' })
  })
})
