import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type UserMachine, userMachine } from '../../support/signed-in-command.js'

let machine: UserMachine
beforeEach(() => {
  machine = userMachine()
})
afterEach(() => machine.close())

const issuer = 'https://id.example.com'
const corporate = { issuer, clientId: 'my-app' }
const json = async (...args: readonly string[]) => JSON.parse((await machine.run([...args, '--json'])).stdout)

describe('what status writes', () => {
  const keptIn = () => `  kept in        file ${machine.home}/portcullis/tokens (PLAIN TEXT)\n`

  it('[S1-71] tells whose the tokens are, how long they last and where they are', async () => {
    expect((await machine.run(['status'])).stdout).toBe(
      `corporate: not signed in\n  access token   absent\n  refresh token  absent\n${keptIn()}`,
    )
    await machine.signIn()
    expect((await machine.run(['status', '--utc'])).stdout).toBe(`corporate: signed in
  subject        user-1
  issuer         ${issuer}
  access token   good, 2027-01-15T08:05:00.000Z, in 300 s
  refresh token  good, 2027-01-15T09:00:00.000Z, in 3600 s
  scope          openid email
${keptIn()}`)
    const local = new Date(machine.nowMs + 300_000).toLocaleString()
    expect((await machine.run(['status'])).stdout).toContain(`access token   good, ${local}, in 300 s\n`)
  })

  it.each([
    [180, '120', 'expiring soon', 'good, 2027-01-15T08:05:00.000Z, in 120 s'],
    [181, '120', 'expiring soon', 'expiring soon, 2027-01-15T08:05:00.000Z, in 119 s'],
    [299, '60', 'expiring soon', 'expiring soon, 2027-01-15T08:05:00.000Z, in 1 s'],
    [300, '60', 'expired', 'expired, 2027-01-15T08:05:00.000Z'],
  ])('[S1-71] calls an access token of 300 s after %i s, with --soon %s, what it is', async (later, soon, _, text) => {
    await machine.signIn()
    machine.later(later)
    const { stdout, exitCode } = await machine.run(['status', '--utc', '--soon', soon])
    expect(stdout).toContain(`\n  access token   ${text}\n`)
    expect(exitCode).toBe(0)
  })

  it('[S1-71] calls a refresh token that is about to expire good enough, where no access token is left', async () => {
    await machine.signIn()
    machine.later(3599)
    expect(await json('status')).toMatchObject({ access: 'expired', refresh: 'expiring soon', isUsable: true })
  })

  it('[S1-71] has no time where the server named none', async () => {
    machine.answers['/token'] = () =>
      Response.json({ access_token: 'opaque', token_type: 'Bearer', refresh_token: 'kept', expires_in: 300 })
    machine.configure({ tokenStore: 'file', providers: { plain: oauthOnly } })
    expect(await machine.run(['login'])).toMatchObject({ exitCode: 0 })
    expect((await machine.run(['status', '--utc'])).stdout).toContain('\n  refresh token  good\n')
  })
})

const oauthOnly = {
  ...{ type: 'oauth2', clientId: 'x', mode: 'device' },
  endpoints: {
    authorization: `${issuer}/authorize`,
    ...{ token: `${issuer}/token`, userinfo: `${issuer}/userinfo` },
    deviceAuthorization: `${issuer}/device`,
  },
}

describe('what preflight writes', () => {
  it('[S1-71] has a line for each step, and why it was not taken', async () => {
    expect((await machine.run(['preflight'])).stdout).toBe(`corporate: ready
  ok    config
  ok    discovery
  ok    endpoints
  ok    jwks
  -     scopes
        The server does not list its scopes
  ok    pkce
  -     redirect_uri
        No redirect URI was given
  -     client
        Not asked for: \`checkClient\`, or \`--check-client\` of the command
  -     clock
        No answer told the time
`)
  })

  it('[S1-71] tries a code with --check-client alone, and says what it found', async () => {
    const codes = () => machine.asked.filter(({ form }) => form.get('grant_type') === 'authorization_code').length
    await machine.run(['preflight'])
    expect(codes()).toBe(0)
    const { stdout, exitCode } = await machine.run(['preflight', '--check-client'])
    expect(stdout).toMatch(/^corporate: not ready\n/)
    expect(stdout).toContain('\n  FAIL  client\n        The server took a code that it never issued\n')
    expect([exitCode, codes()]).toEqual([1, 1])
  })

  it('[S1-71] looks at the redirect URI of the configuration', async () => {
    const redirectUri = 'https://app.example.com/done'
    machine.configure({ tokenStore: 'file', providers: { corporate: { ...corporate, redirectUri } } })
    expect((await machine.run(['preflight'])).stdout).not.toContain('No redirect URI was given')
  })

  it.each([
    [undefined, 'Answering with an error of the server: token, revocation, userinfo,\n        deviceAuthorization'],
    [50, 'Answering with an error of the server:\n        token, revocation, userinfo,\n        deviceAuthorization'],
    [500, 'Answering with an error of the server: token, revocation, userinfo, deviceAuthorization'],
  ])('[S1-71] breaks its lines on a terminal of %s columns', async (columns, lines) => {
    for (const path of ['/token', '/revoke', '/userinfo', '/device']) {
      machine.answers[path] = () => new Response('', { status: 500 })
    }
    const { stdout } = await machine.run(['preflight'], { columns })
    expect(stdout).toContain(`\n  warn  endpoints\n        ${lines}\n  ok    jwks\n`)
  })
})

describe('what other commands write', () => {
  it('[S1-71] providers: where the configuration is, and each provider in full with --verbose', async () => {
    machine.configure({
      tokenStore: 'file',
      providers: { corporate: { ...corporate, scopes: ['openid', 'email'] }, other: { ...corporate, mode: 'device' } },
    })
    expect(await machine.run(['providers', '--verbose'])).toEqual({
      exitCode: 0,
      stderr: `configuration: ${machine.home}/portcullis.json\n`,
      stdout: `corporate
  issuer      ${issuer}
  clientId    my-app
  mode        auto
  scopes      ["openid","email"]
  tokenStore  file
other
  issuer      ${issuer}
  clientId    my-app
  mode        device
  tokenStore  file
`,
    })
  })

  it('[S1-71] names the providers there are where another one is named', async () => {
    machine.configure({ providers: { a: corporate, b: corporate } })
    expect((await machine.run(['status', 'c'])).stderr).toBe('portcullis: there is no provider c; known: a, b\n')
  })

  it('[S1-71] whoami: what is of use to a person', async () => {
    await machine.signIn()
    expect((await machine.run(['whoami'])).stdout).toBe(
      `  iss    ${issuer}\n  sub    user-1\n  email  ann@example.com\n`,
    )
  })

  it('[S1-71] logout: that flags exclude each other, and that nobody is signed in', async () => {
    expect((await machine.run(['logout', '--revoke', '--no-revoke'])).stderr).toBe(
      'portcullis: --revoke and --no-revoke exclude each other\n',
    )
    await machine.signIn()
    expect(await machine.run(['logout'])).toMatchObject({
      stdout: 'signed out of corporate (tokens revoked)\n',
      stderr: '',
    })
  })

  it('[S1-71] logout of one provider leaves the other ones signed in', async () => {
    machine.configure({ tokenStore: 'file', providers: { corporate, other: corporate } })
    await machine.signIn(['corporate'])
    await machine.signIn(['other'])
    await machine.run(['logout', 'other'])
    expect((await json('status', 'corporate')).isUsable).toBe(true)
    await machine.signIn(['other'])
    await machine.run(['logout', '--all', 'other'])
    expect((await json('status', 'corporate')).isUsable).toBe(true)
    expect((await json('status', 'other')).isUsable).toBe(false)
  })

  it('[S1-71] logout without a name ends the account of the default provider alone', async () => {
    machine.configure({ defaultProvider: 'corporate', tokenStore: 'file', providers: { corporate, other: corporate } })
    await machine.signIn(['corporate'])
    await machine.signIn(['other'])
    expect((await machine.run(['logout'])).stdout).toBe('signed out of corporate (tokens revoked)\n')
    expect((await json('status', 'other')).isUsable).toBe(true)
  })

  it.each(['status', 'check', 'login'])(
    '[S1-71] %s says why the store of the tokens does not work',
    async (command) => {
      writeFileSync(join(machine.home, 'portcullis'), 'a file where a folder has to be')
      expect(await machine.run([command])).toEqual({
        exitCode: 2,
        stdout: '',
        stderr:
          'portcullis: The store of the tokens cannot be reached: The store failed: ENOTDIR. (ERR_TOKEN_STORE_UNAVAILABLE)\n',
      })
    },
  )

  it('[S1-71] token: that there is no refresh token, or nothing to decode', async () => {
    machine.configure({ tokenStore: 'file', providers: { plain: oauthOnly } })
    for (const opaque of ['opaque', 'a.b.c', 'e30.e30', '.e30.x', 'bm8.e30.eA']) {
      machine.answers['/token'] = () => Response.json({ access_token: opaque, token_type: 'Bearer', expires_in: 300 })
      await machine.run(['login', '--force'])
      expect(await machine.run(['token', '--decode'])).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: 'portcullis: the access token is opaque: there is nothing to decode\n',
      })
    }
    expect((await machine.run(['token', '--show-refresh'])).stderr).toBe('portcullis: there is no refresh token\n')
    expect((await machine.run(['token'])).stderr).toBe('')
  })
})
