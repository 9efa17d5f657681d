import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resourceCommands } from '../../../src/cli/resource-commands.js'
import {
  discoveryUrl,
  issuer,
  refusal,
  resourceUrl,
  type SimulatedNetwork,
  serverMetadata,
  simulateNetwork,
} from '../../support/protected-resource.js'
import { type CommandWorld, runInProcess } from '../../support/run-command.js'

let home: string
let network: SimulatedNetwork
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'portcullis-resource-'))
  network = simulateNetwork()
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const authorizations: URLSearchParams[] = []

/** What a user does who reads the address: agrees, or refuses. */
function visit(answer: Record<string, string>) {
  return (text: string) => {
    const [address] = /https:\/\/as\.example\/authorize\S+/.exec(text) ?? []
    if (address === undefined) return
    const { searchParams } = new URL(address)
    authorizations.push(searchParams)
    const back = new URLSearchParams({ ...answer, state: searchParams.get('state') as string })
    void fetch(`${searchParams.get('redirect_uri')}?${back}`).catch(() => {})
  }
}

const run = (args: readonly string[], world: CommandWorld = {}) =>
  runInProcess([...args, '--store', 'file', '--no-browser'], {
    ...{ env: { XDG_STATE_HOME: home }, fetch: network.fetch as never, onWords: visit({ code: 'code' }) },
    ...world,
  })

/** What the resource or the user does instead of agreeing. */
const circumstances = {
  forbidden: () => {
    network.resource = ({ headers }) => (headers.has('authorization') ? refusal('Basic', 403) : undefined)
    return {}
  },
  denied: () => ({ onWords: visit({ error: 'access_denied' }) }),
}

const rows: readonly [line: string, exitCode: number, says: string, given?: keyof typeof circumstances][] = [
  [`fetch ${resourceUrl} --store file --no-browser`, 0, 'as.example-1'],
  [`fetch ${resourceUrl} --json`, 0, '"status": 200'],
  [`fetch ${resourceUrl}/below --resource ${resourceUrl}`, 0, 'as.example-1'],
  [`fetch ${resourceUrl} --method put --data x --content-type text/plain`, 0, 'as.example-1'],
  [`fetch ${resourceUrl} --scope read`, 0, 'Bearer for read'],
  [`fetch ${resourceUrl} --client-id app`, 0, 'app, by application'],
  [`fetch ${resourceUrl} --client-document https://app.example/client.json --port 0`, 0, 'client-1, by registration'],
  [`fetch ${resourceUrl}`, 1, '403', 'forbidden'],
  [`fetch ${resourceUrl}`, 1, 'ERR_LOGIN_DENIED', 'denied'],
  ['fetch nothing', 2, 'takes an absolute https URL'],
  [`mcp login ${resourceUrl} --store file --no-browser`, 0, `signed in at ${resourceUrl}: Bearer`],
  [`mcp login ${resourceUrl} --json`, 0, '"step": "authorization_server"'],
  [`mcp login ${resourceUrl} --force --scope read --port 0`, 0, 'Bearer for read'],
  [`mcp login ${resourceUrl} --client-id app`, 0, 'app, by application'],
  [`mcp login ${resourceUrl} --client-document https://app.example/client.json`, 0, 'client-1, by registration'],
  [`mcp login ${resourceUrl}`, 1, 'ERR_LOGIN_DENIED', 'denied'],
  ['mcp login', 2, 'URL is missing'],
]

describe('[A14] the table of flags and exit codes for protected resources', () => {
  it.each(rows)('[A14] [S3-29] portcullis %s ends with %i (%s)', async (line, exitCode, says, given) => {
    const own = line.split(' ').filter((word) => word !== '--no-browser' && word !== 'file' && word !== '--store')
    const result = await run(own, given === undefined ? {} : circumstances[given]())
    expect(result.stdout + result.stderr).toContain(says)
    expect(result.exitCode).toBe(exitCode)
  })

  it.each(resourceCommands)('[A14] has every flag and every exit code of $name', ({ name, flags, exits }) => {
    const own = rows.filter(([line]) => line.startsWith(`${name} `) || line === name)
    const shown = new Set(own.flatMap(([line]) => line.match(/(?<= --)[a-z-]+/g) ?? []))
    expect([...flags.map((flag) => flag.name), 'json'].filter((flag) => !shown.has(flag))).toEqual([])
    expect([...new Set(own.map(([, exitCode]) => String(exitCode)))].sort()).toEqual(Object.keys(exits))
  })
})

describe('portcullis fetch', () => {
  it('signs in where the resource says, and writes the answer to stdout alone', async () => {
    const { exitCode, stdout, stderr } = await run(['fetch', resourceUrl])
    expect([exitCode, stdout]).toEqual([0, '{"token":"as.example-1"}\n'])
    expect(stderr).toContain('200 application/json')
    const again = await run(['fetch', `${resourceUrl}/below`, '--resource', resourceUrl, '--quiet'])
    expect(again).toEqual({ exitCode: 0, stdout: '{"token":"as.example-1"}\n', stderr: '' })
    expect(network.at(`${issuer}/token`)).toHaveLength(1)
  })

  it('sends a body of the arguments or of stdin', async () => {
    await run(['fetch', resourceUrl, '--data', '{}'])
    await run(['fetch', resourceUrl, '--method', 'put', '--data', '-', '--content-type', 'text/plain'], { stdin: 'x' })
    const [, first, second] = network.at(resourceUrl).filter(({ method }) => method !== 'GET')
    expect([first?.method, first?.body, first?.headers.get('content-type')]).toEqual(['POST', '{}', 'application/json'])
    expect([second?.method, second?.body, second?.headers.get('content-type')]).toEqual(['PUT', 'x', 'text/plain'])
  })

  it('writes out what could steer a terminal, and only there', async () => {
    network.resource = ({ headers }) => (headers.has('authorization') ? new Response('a\u001b[31m\tb\n') : undefined)
    expect((await run(['fetch', resourceUrl], { isTTY: true })).stdout).toBe('a\\u{1b}[31m\tb\n\n')
    expect((await run(['fetch', resourceUrl])).stdout).toBe('a\u001b[31m\tb\n\n')
  })

  it.each<[readonly string[], CommandWorld, string]>([
    [['http://example.com/x'], {}, 'could read tokens'],
    [[resourceUrl, '--resource', 'nothing'], {}, 'takes an absolute https URL'],
    [[resourceUrl, '--method', 'G E T'], {}, '--method takes'],
    [[resourceUrl, '--data', 'x', '--content-type', 'a\nb'], {}, '--content-type takes'],
    [[resourceUrl, '--data', '-'], { stdin: ['x'.repeat(1_048_577)] }, 'more on stdin than 1 MB'],
    [[resourceUrl, '--port', 'x'], {}, '--port takes'],
    [[resourceUrl], { fetch: () => Promise.reject(new TypeError('secret')) }, 'cannot be reached (TypeError)'],
    [
      [resourceUrl],
      { fetch: () => Promise.reject(Object.assign(new TypeError('x'), { cause: { code: 'ECONNREFUSED' } })) },
      'cannot be reached (ECONNREFUSED)',
    ],
    [[resourceUrl], { fetch: async () => new Response('x'.repeat(10_485_761)) as never }, 'larger than 10 MB'],
  ])('ends with 2 for %j', async (args, world, words) => {
    const { exitCode, stdout, stderr } = await run(['fetch', ...args], world)
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(words)
    expect(stderr).not.toContain('secret')
  })
})

describe('portcullis mcp login', () => {
  it('is the client that was registered before, by a secret of the environment', async () => {
    const env = { XDG_STATE_HOME: home, PORTCULLIS_CLIENT_SECRET: 'canary-secret' }
    const { exitCode, stdout, stderr } = await run(['mcp', 'login', resourceUrl, '--client-id', 'app'], { env })
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/client +app, by application/)
    expect(stdout + stderr).not.toContain('canary')
    expect(network.at(`${issuer}/token`)[0]?.headers.get('authorization')).toMatch(/^Basic /)
    expect(network.at(`${issuer}/register`)).toHaveLength(0)
  })

  it('is a public client without one, and has its own document and scopes', async () => {
    await run(['mcp', 'login', resourceUrl, '--client-id', 'app', '--scope', 'a b', '--port', '0'])
    expect(authorizations.at(-1)?.get('client_id')).toBe('app')
    expect(authorizations.at(-1)?.get('scope')).toBe('a b')
    const members = { client_id_metadata_document_supported: true }
    network.documents.set(discoveryUrl(), serverMetadata(issuer, members))
    const document = 'https://app.example/client.json'
    await run(['mcp', 'login', resourceUrl, '--force', '--client-document', document])
    expect(authorizations.at(-1)?.get('client_id')).toBe(document)
  })

  it('shows the steps up to the one that failed', async () => {
    network.documents.set(discoveryUrl(), serverMetadata(issuer, { code_challenge_methods_supported: undefined }))
    const { exitCode, stderr } = await run(['mcp', 'login', resourceUrl])
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/authorization_server +https:\/\/as\.example\n/)
    expect(stderr).toContain('ERR_PKCE_UNSUPPORTED')
  })

  it('ends with 1 where the server gives a token that has expired already', async () => {
    network.tokenAnswer = { expires_in: 0, refresh_token: undefined }
    const { exitCode, stdout, stderr } = await run(['mcp', 'login', resourceUrl])
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/has expired already\n$/)
  })

  it('is a command of two words', async () => {
    expect((await runInProcess(['help', 'mcp', 'login'])).stdout).toContain('portcullis mcp login URL [flags]')
    expect((await runInProcess(['mcp', 'login', '--help'])).stdout).toContain('portcullis mcp login URL [flags]')
    expect(await runInProcess(['mcp'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('no command mcp'),
    })
    expect(await runInProcess(['mcp', 'logon'])).toMatchObject({ exitCode: 2 })
  })
})
