import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltCommand, buildCommand } from '../support/built-command.js'
import { pages, read } from './markdown.js'
import { type RecordedServer, recordedAtMs, startRecordedServer } from './recorded-server.js'
import { terminalSvg } from './terminal-svg.js'

/** The clock stands still, and the output takes itself for a terminal. */
const preload = `Date.now=()=>${recordedAtMs};process.stdout.isTTY=true`
const browser = `"${process.execPath}" -e "fetch(process.argv[1])" --`

let command: BuiltCommand
let server: RecordedServer
const home = mkdtempSync(join(tmpdir(), 'portcullis-recording-'))

beforeAll(async () => {
  ;[command, server] = await Promise.all([buildCommand(), startRecordedServer()])
  const corporate = { issuer: server.issuer, clientId: 'my-app', allowInsecureLoopback: true }
  const config = { tokenStore: 'encrypted', providers: { corporate } }
  writeFileSync(join(home, 'portcullis.json'), JSON.stringify(config), { mode: 0o600 })
})

afterAll(async () => {
  command?.remove()
  await server?.close()
  rmSync(home, { recursive: true, force: true })
})

/** What the terminal shows of one call: both streams in the order they were written. */
async function shown(line: string, input = ''): Promise<string> {
  const file = join(home, 'shown')
  const output = openSync(file, 'w')
  const [args = ''] = line.replaceAll('https://id.example.com', server.issuer).split(' <')
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, command.script, ...args.split(' ').slice(1)],
    {
      cwd: home,
      env: { XDG_STATE_HOME: home, BROWSER: browser, PORTCULLIS_SEAL_KEY: 'A'.repeat(86) },
      stdio: ['pipe', output, output],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    },
  )
  child.stdin?.end(input)
  const [exitCode] = await once(child, 'close')
  // It ended by itself: nothing of a login kept it alive.
  expect(exitCode).toBeTypeOf('number')
  closeSync(output)
  return `$ ${line}\n${plainNames(readFileSync(file, 'utf8'))}`
}

/** What is another at every run: addresses of this machine, random values, and keys. */
function plainNames(text: string): string {
  return text
    .replaceAll(server.issuer, 'https://id.example.com')
    .replaceAll(home, '~/.local/state')
    .replace(/(?<=127\.0\.0\.1%3A)\d+/g, '49152')
    .replace(/(?<=[?&](?:state|nonce|code_challenge)=)[^&\s]+/g, '…')
    .replace(/(?<= ES256 {2})[\w-]{43}$/gm, 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U')
    .replace(/(?<= RS256 {2})[\w-]{43}$/gm, 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
}

async function idTokenOfKeycloak(): Promise<string> {
  const issuer = createTestIssuer({ issuer: 'https://id.example.com/realms/main', clock: () => recordedAtMs })
  const claims = { aud: 'my-app', azp: 'my-app', typ: 'ID', at_hash: 'x', client_id: undefined, scope: undefined }
  const token = issuer.mintToken(claims, { header: { typ: 'JWT' } })
  await issuer.close()
  return token
}

const sessions: readonly [name: string, title: string, record: () => Promise<string>][] = [
  [
    'check',
    'portcullis check: why an ID token of Keycloak is refused by an API',
    async () =>
      shown(
        'portcullis check - --issuer https://id.example.com/realms/main --audience https://api.example.com < token.txt',
        await idTokenOfKeycloak(),
      ),
  ],
  [
    'login',
    'portcullis login: in the browser of this machine',
    async () =>
      `${await shown('portcullis login')}\n${await shown('portcullis whoami')}\n${await shown('portcullis status --utc')}`,
  ],
  [
    'login-device',
    'portcullis login --device: by a code that is typed in elsewhere',
    () => shown('portcullis login --device --force'),
  ],
  [
    'discover',
    'portcullis discover and keys: what an authorization server publishes',
    async () =>
      `${await shown('portcullis discover https://id.example.com')}\n${await shown('portcullis keys https://id.example.com')}`,
  ],
  ['preflight', 'portcullis preflight: a provider before a deployment', () => shown('portcullis preflight corporate')],
]

describe('the recordings of docs; `npx vitest run test/docs/recordings.test.ts -u` writes them', () => {
  it.each(sessions)('[S1-70] [S1-71] %s shows what the built command shows', async (name, title, record) => {
    await expect(terminalSvg(title, await record())).toMatchFileSnapshot(`../../docs/recordings/${name}.svg`)
  })

  it('are each on a page', () => {
    const text = pages().map(read).join('\n')
    expect(sessions.filter(([name]) => !text.includes(`(recordings/${name}.svg)`))).toEqual([])
  })
})
