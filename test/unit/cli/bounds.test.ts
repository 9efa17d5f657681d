import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { CommandFailure, type CommandIo, readStdin } from '../../../src/cli/command-io.js'
import { chosenPort, placeOf, storeOf } from '../../../src/cli/session.js'
import { namesLoopback, typedIssuer, typedUrl } from '../../../src/cli/typed-url.js'
import { createTokenStore } from '../../../src/native/create-token-store.js'
import { tokenDirectory } from '../../../src/stores/file/token-directory.js'
import { createTestIssuer } from '../../../src/testing/index.js'
import { runInProcess } from '../../support/run-command.js'

const usageFailure = expect.objectContaining({ exitCode: 2 })

describe('the port that a command listens on', () => {
  it.each([
    [undefined, undefined],
    ['0', 0],
    ['8400', 8400],
    ['65535', 65_535],
  ])('is of %s: %s', (port, chosen) => {
    expect(chosenPort({ port })).toBe(chosen)
  })

  it.each(['65536', '-1', '080000', '80x', 'x80', '8.5', ''])('is not %j', (port) => {
    expect(() => chosenPort({ port })).toThrow(usageFailure)
  })
})

describe('the time limit of each request', () => {
  it('is that many seconds', async () => {
    const issuer = createTestIssuer()
    const args = ['check', '-', '--issuer', issuer.issuer, '--timeout', '60']
    const { exitCode } = await runInProcess(args, { fetch: issuer.fetch, stdin: issuer.mintToken() })
    expect(exitCode).toBe(0)
  })

  it.each(['1', '60', '1.5'])('may be %s s', async (seconds) => {
    expect((await runInProcess(['completion', 'bash', '--timeout', seconds])).exitCode).toBe(0)
  })

  it.each(['0.9', '60.1', '-1', 'x', ''])('is not %j s', async (seconds) => {
    const { exitCode, stderr } = await runInProcess(['completion', 'bash', `--timeout=${seconds}`])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--timeout takes a number of seconds from 1 to 60')
  })
})

describe('what is read from stdin', () => {
  const stdin = (...chunks: readonly (string | Uint8Array)[]) =>
    ({ stdin: Readable.from(chunks) }) as unknown as CommandIo

  it('is text, whole characters of it, up to the longest there may be', async () => {
    const euro = new TextEncoder().encode('€')
    expect(await readStdin(stdin('a', euro.slice(0, 1), euro.slice(1)), 2, 'too much')).toBe('a€')
  })

  it('is no more than that', async () => {
    await expect(readStdin(stdin('ab', 'c'), 2, 'too much')).rejects.toEqual(new CommandFailure('too much'))
  })
})

describe('the place of tokens', () => {
  it.each([
    [{ kind: 'file', location: '/home/a', atRest: 'plaintext', persistent: true }, 'file /home/a (PLAIN TEXT)'],
    [
      { kind: 'encrypted', location: '/home/a', atRest: 'encrypted', persistent: true },
      'encrypted /home/a (encrypted)',
    ],
    [{ kind: 'keyring', location: 'x', atRest: 'os', persistent: true }, 'keyring x (kept by the operating system)'],
    [
      { kind: 'memory', location: 'memory', atRest: 'plaintext', persistent: false },
      'memory (PLAIN TEXT, gone with this process)',
    ],
  ])('%j is called %s', (description, text) => {
    expect(placeOf({ describe: () => description } as never)).toBe(text)
  })

  it('may be the keyring, which has no folder', () => {
    expect(storeOf('keyring', { env: {}, platform: 'linux' } as never).describe()).toMatchObject({ kind: 'keyring' })
  })
})

describe('the encrypted store of a command', () => {
  const io = (key?: string) => ({ env: { PORTCULLIS_SEAL_KEY: key }, platform: 'linux' }) as unknown as CommandIo
  const keyOf = (length: number) => Buffer.alloc(length, 7).toString('base64url')

  it('is sealed with 64 bytes of the environment', () => {
    expect(storeOf('encrypted', io(keyOf(64))).describe()).toMatchObject({ kind: 'encrypted', atRest: 'encrypted' })
  })

  it('seals by the first half of them, and hides whose the tokens are by the second', async () => {
    const home = mkdtempSync(join(tmpdir(), 'portcullis-halves-'))
    const [secret, nameSecret] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
    const key = Buffer.concat([secret, nameSecret]).toString('base64url')
    const env = { PORTCULLIS_SEAL_KEY: key, XDG_STATE_HOME: home }
    const directory = tokenDirectory(env, 'linux')
    const entry = { v: 1, version: 'one', tokens: 'x', savedAt: 1 } as const
    const same = createTokenStore({ kind: 'encrypted', directory, keys: [{ id: 'cli', secret }], nameSecret })
    await storeOf('encrypted', { env, platform: 'linux', clock: Date.now } as never).set('key', entry)
    expect(await same.get('key')).toMatchObject({ tokens: entry.tokens })
    rmSync(home, { recursive: true })
  })

  it.each([undefined, '', keyOf(63), keyOf(65), `${keyOf(64)}=`, 'not base64!'])('is not made with %j', (key) => {
    const make = () => storeOf('encrypted', io(key))
    expect(make).toThrow(usageFailure)
    expect(make).toThrow('PORTCULLIS_SEAL_KEY')
  })
})

describe('a URL that a person typed', () => {
  it.each([
    ['http://localhost:8080/x', true],
    ['http://127.0.0.1/', true],
    ['http://[::1]:80/', true],
    ['https://localhost/', false],
    ['ftp://localhost/', false],
    ['http://id.example.com/', false],
    ['http://localhost.example.com/', false],
    ['nonsense', false],
    [undefined, false],
  ])('%s allows http: %s', (text, allows) => {
    expect(namesLoopback(text)).toBe(allows)
  })

  it('is https, or http of this machine', () => {
    expect(typedIssuer('https://id.example.com/realms/a')).toBe('https://id.example.com/realms/a')
    expect(typedIssuer('http://localhost:8080')).toBe('http://localhost:8080')
    expect(typedUrl('https://api.example.com/a').href).toBe('https://api.example.com/a')
    for (const text of ['http://id.example.com', 'ftp://localhost', 'nonsense', '']) {
      expect(() => typedIssuer(text)).toThrow(usageFailure)
      expect(() => typedUrl(text)).toThrow(usageFailure)
    }
  })

  it('is refused in one sentence, without the options of the library', () => {
    expect(() => typedUrl('http://id.example.com')).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/allowInsecure|\. /) }),
    )
  })
})
