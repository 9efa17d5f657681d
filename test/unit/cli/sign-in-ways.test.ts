import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../support/loopback-server.js'
import { issuer, resourceUrl, type SimulatedNetwork, simulateNetwork } from '../../support/protected-resource.js'
import { type CommandWorld, runInProcess } from '../../support/run-command.js'
import { type UserMachine, userMachine } from '../../support/signed-in-command.js'

let machine: UserMachine
let network: SimulatedNetwork
let folder: string
beforeEach(() => {
  machine = userMachine()
  network = simulateNetwork()
  folder = mkdtempSync(join(tmpdir(), 'portcullis-programs-'))
})
afterEach(async () => {
  await machine.close()
  rmSync(folder, { recursive: true, force: true })
})

const corporate = { issuer: 'https://id.example.com', clientId: 'my-app' }

/** A program that writes down its arguments, says much that nobody wants to read, and ends with a code. */
function program(name: string, exitCode = 0): string {
  const path = join(folder, name)
  const much = '/usr/bin/head -c 300000 /dev/zero'
  const script = `#!/bin/sh\n${much}\n${much} >&2\necho "$@" >> '${path}.args'\n/bin/cat > /dev/null\nexit ${exitCode}\n`
  writeFileSync(path, script, { mode: 0o700 })
  return path
}

function callsOf(path: string): readonly string[] {
  return existsSync(`${path}.args`) ? readFileSync(`${path}.args`, 'utf8').split('\n').slice(0, -1) : []
}

/** What a user of a protected resource does who reads the address. */
function agree(text: string): void {
  const [address] = /https:\/\/as\.example\/authorize\S+/.exec(text) ?? []
  if (address === undefined) return
  const { searchParams } = new URL(address)
  void fetch(`${searchParams.get('redirect_uri')}?code=code&state=${searchParams.get('state')}`).catch(() => {})
}

function signInAtResource(args: readonly string[], env: Record<string, string> = {}) {
  const world: CommandWorld = { fetch: network.fetch as never, onWords: agree }
  const own = { ...world, env: { XDG_STATE_HOME: machine.home, ...env } }
  return runInProcess(['mcp', 'login', resourceUrl, '--store', 'file', ...args], own)
}

describe('the browser', () => {
  it('[S1-71] is opened by login, and is not with --no-browser', async () => {
    const [unwanted, browser] = [program('unwanted'), program('browser')]
    const env = (path: string) => ({ XDG_STATE_HOME: machine.home, BROWSER: path })
    expect((await machine.signIn([], { env: env(unwanted) })).exitCode).toBe(0)
    const result = await machine.run(['login', '--force'], { env: env(browser), onWords: machine.visit })
    expect(result.exitCode).toBe(0)
    await vi.waitFor(() => expect(callsOf(browser)).not.toEqual([]))
    expect(callsOf(browser)).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\//)])
    expect(callsOf(unwanted)).toEqual([])
  })

  it('[S3-29] is opened by mcp login, and is not with --no-browser', async () => {
    const [unwanted, browser] = [program('unwanted'), program('browser')]
    expect((await signInAtResource(['--no-browser'], { BROWSER: unwanted })).exitCode).toBe(0)
    expect((await signInAtResource(['--force'], { BROWSER: browser })).exitCode).toBe(0)
    await vi.waitFor(() => expect(callsOf(browser)).toHaveLength(1))
    expect(callsOf(unwanted)).toEqual([])
  })

  it('[S3-29] is needed by mcp login, unless --no-browser says that the user has one', async () => {
    const none = await signInAtResource([])
    expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('No browser can be opened here') })
    expect((await signInAtResource(['--no-browser'])).exitCode).toBe(0)
  })

  it('[S1-71] is no way for login where none can be opened: it takes that of devices, and names no other', async () => {
    const endpoints = {
      authorization: 'https://id.example.com/authorize',
      ...{ token: 'https://id.example.com/token', userinfo: 'https://id.example.com/userinfo' },
    }
    machine.configure({ tokenStore: 'file', providers: { plain: { type: 'oauth2', clientId: 'x', endpoints } } })
    const without = await machine.run(['login'])
    expect(without).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('(ERR_ENDPOINT_MISSING)') })
    machine.configure({ tokenStore: 'file', providers: { corporate } })
    expect((await machine.run(['login'])).stderr).toContain('enter the code WDJB-MJHT')
  })
})

describe('the redirect URI', () => {
  const redirectUriOf = ({ stderr }: { readonly stderr: string }) =>
    new URL(new URL(/https:\S+authorize\S+/.exec(stderr)?.[0] as string).searchParams.get('redirect_uri') as string)

  it('[S1-71] of login is what the configuration says, but for a port that is named', async () => {
    const [first, second] = [await freePort(), await freePort()]
    const loopback = { host: 'localhost', path: '/back', portRange: [first, first] }
    machine.configure({ tokenStore: 'file', loopback, providers: { corporate } })
    const onWords = (text: string) => machine.visit(text.replace('localhost', '127.0.0.1'))
    expect(redirectUriOf(await machine.signIn([], { onWords })).href).toBe(`http://localhost:${first}/back`)
    const named = await machine.signIn(['--force', '--port', String(second)], { onWords })
    expect(redirectUriOf(named).href).toBe(`http://localhost:${second}/back`)
  })

  it('[S3-29] that mcp login registers has the port that is named', async () => {
    const port = await freePort()
    const registered = () => JSON.parse(network.at(`${issuer}/register`).at(-1)?.body ?? '{}').redirect_uris
    await signInAtResource(['--no-browser', '--port', String(port)])
    expect(registered()).toEqual([`http://127.0.0.1:${port}/callback`])
    network = simulateNetwork()
    rmSync(join(machine.home, 'portcullis'), { recursive: true })
    await signInAtResource(['--no-browser'])
    expect(registered()).toEqual(['http://127.0.0.1/callback'])
  })
})

describe('what login and mcp login write', () => {
  it('[S1-71] login goes on where the tokens of the last one have expired, by the clock of the machine', async () => {
    await machine.signIn()
    machine.later(301)
    expect((await machine.signIn()).stdout).toBe('signed in as user-1 at https://id.example.com\n')
  })

  it('[S3-29] mcp login says so where no scope was asked for or granted', async () => {
    expect((await signInAtResource(['--no-browser'])).stdout).toBe(`signed in at ${resourceUrl}: Bearer for no scope\n`)
  })

  it('[S3-29] mcp login tells where the tokens are, each step and what came of it', async () => {
    const { stdout, stderr } = await signInAtResource(['--no-browser', '--scope', 'a b'])
    expect(stdout).toBe(`signed in at ${resourceUrl}: Bearer for a b\n`)
    expect(stderr).toMatch(/^tokens are kept in: file \S+ \(PLAIN TEXT\)\n/)
    const again = await signInAtResource(['--no-browser', '--scope', 'a b'])
    expect(again).toMatchObject({
      exitCode: 0,
      stdout: `signed in at ${resourceUrl} already; --force signs in anew\n`,
    })
    expect(network.at(`${issuer}/token`)).toHaveLength(1)
    const json = JSON.parse((await signInAtResource(['--no-browser', '--scope', 'a b', '--json'])).stdout)
    expect(json).toMatchObject({ resource: resourceUrl, steps: [], tokenType: 'Bearer', store: { kind: 'file' } })
  })
})

describe('the program that token --copy takes', () => {
  const copy = async () => {
    const env = { XDG_STATE_HOME: machine.home, PATH: folder }
    return machine.run(['token', '--copy'], { env })
  }

  it('[S1-71] is the first that does it', async () => {
    await machine.signIn()
    const [first, second] = [program('wl-copy', 1), program('xsel')]
    expect(await copy()).toEqual({ exitCode: 0, stdout: '', stderr: 'copied\n' })
    expect(callsOf(first)).toEqual([''])
    expect(callsOf(second)).toEqual(['--clipboard --input'])
  })

  it('[S1-71] is none that fails, and then nothing is said to be copied', async () => {
    await machine.signIn()
    for (const name of ['wl-copy', 'xclip', 'xsel', 'clip.exe']) program(name, 1)
    expect(await copy()).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'portcullis: there is no program here that copies: wl-copy, xclip, xsel, pbcopy or clip.exe\n',
    })
  })
})
