import { readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createFileLock } from 'portcullis/native'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { sha256Base64url } from '#crypto'
import { temporaryFolder } from '../../../support/temporary-folder.js'

const startMs = 1_800_000_000_000

async function setUp() {
  const directory = await temporaryFolder()
  const time = { ms: startMs }
  const lock = createFileLock({ directory, clock: () => time.ms })
  const path = join(directory, `${await sha256Base64url('key')}.lock`)
  /** Puts a holder there, last touched long ago. */
  const hold = (holder: object | string) => {
    writeFileSync(path, typeof holder === 'string' ? holder : JSON.stringify(holder), { mode: 0o600 })
    utimesSync(path, 1, 1)
  }
  return { directory, time, lock, path, hold, files: () => readdirSync(directory) }
}

const nonce = 'a'.repeat(16)

/** The machine, and on Linux the space of process ids, that a holder of this process names. */
function here(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

describe('the file of a lock', () => {
  it('[A2] names its holder, in mode 0600, and goes when it is given back', async () => {
    const { lock, path, files } = await setUp()
    const lease = await lock.acquire('key', 60_000.5)
    const holder = JSON.parse(readFileSync(path, 'utf8'))
    expect(holder).toEqual({
      nonce: expect.stringMatching(/^[\w-]{16}$/),
      pid: process.pid,
      host: here(),
      expiresAtMs: startMs + 60_001,
    })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await lease?.release()
    expect(files()).toEqual([])
    await lease?.release()
    expect(Object.isFrozen(lock)).toBe(true)
  })

  it('[A2] is touched for the time to which it is extended, rounded up', async () => {
    const { lock, path, files } = await setUp()
    const lease = await lock.acquire('key', 10)
    expect(await lease?.extend(60_000.5)).toBe(true)
    expect(Math.round(statSync(path).mtimeMs)).toBe(startMs + 60_001)
    expect(files()).toHaveLength(1)
  })

  it('[A2] holds until the later of its two times, to the millisecond', async () => {
    for (const [expiresAtMs, touchedMs] of [
      [startMs + 1000, startMs],
      [startMs, startMs + 1000],
    ] as const) {
      const { lock, time, path, hold } = await setUp()
      hold({ nonce, host: 'elsewhere', pid: 1, expiresAtMs })
      utimesSync(path, touchedMs / 1000, touchedMs / 1000)
      time.ms = startMs + 999
      expect(await lock.acquire('key', 60_000)).toBeUndefined()
      time.ms = startMs + 1000
      expect(await lock.acquire('key', 60_000)).toBeDefined()
    }
  })

  it('[A2] holds for 30 s from when it was made where it names nobody', async () => {
    const wrong = [
      '',
      '{}',
      'null',
      JSON.stringify({ nonce: 7, expiresAtMs: 9e15 }),
      JSON.stringify({ nonce: [nonce], expiresAtMs: 9e15 }),
      JSON.stringify({ nonce: 'a'.repeat(15), expiresAtMs: 9e15 }),
      JSON.stringify({ nonce: 'a'.repeat(17), expiresAtMs: 9e15 }),
      JSON.stringify({ nonce: `../${'a'.repeat(13)}`, expiresAtMs: 9e15 }),
      JSON.stringify({ nonce, expiresAtMs: '9e15' }),
      JSON.stringify({ nonce, pid: 2 ** 30, host: 'here' }),
    ]
    for (const content of wrong) {
      const { lock, time, path, hold, files } = await setUp()
      hold(content)
      utimesSync(path, startMs / 1000, startMs / 1000)
      time.ms = startMs + 29_999
      expect(await lock.acquire('key', 60_000), content).toBeUndefined()
      time.ms = startMs + 30_000
      expect(await lock.acquire('key', 60_000), content).toBeDefined()
      expect(files()).toHaveLength(1)
    }
  })

  it('[A2] ends with its process, where that was of this machine', async () => {
    const { lock, path, hold } = await setUp()
    await lock.acquire('key', 60_000)
    const { host } = JSON.parse(readFileSync(path, 'utf8'))
    const dead = { nonce, host, pid: 2 ** 30, expiresAtMs: 9e15 }
    for (const living of [
      { ...dead, pid: process.pid },
      { ...dead, pid: 1 },
      { ...dead, pid: undefined },
      { ...dead, host: 'other' },
    ]) {
      hold(living)
      expect(await lock.acquire('key', 60_000), JSON.stringify(living)).toBeUndefined()
    }
    hold(dead)
    expect(await lock.acquire('key', 60_000)).toBeDefined()
  })

  it('[A2] is held by a process that may not be asked whether it runs', async () => {
    const { lock, hold } = await setUp()
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('not yours'), { code: 'EPERM' })
    })
    onTestFinished(() => kill.mockRestore())
    hold({ nonce, host: here(), pid: 77, expiresAtMs: 9e15 })
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
    expect(kill).toHaveBeenCalledWith(77, 0)
  })

  it('[A2] that names nobody is left to whoever is breaking this very file', async () => {
    const { lock, path, hold } = await setUp()
    hold('')
    const right = `${path}.unnamed${statSync(path).ino}`
    writeFileSync(right, JSON.stringify({ nonce, host: 'elsewhere', pid: 1, expiresAtMs: 9e15 }))
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
    writeFileSync(right, JSON.stringify({ nonce, host: 'elsewhere', pid: 1, expiresAtMs: 1 }))
    utimesSync(right, 1, 1)
    expect(await lock.acquire('key', 60_000)).toBeDefined()
  })

  it('[A12] is no link to another file', async () => {
    const { directory, lock, path } = await setUp()
    const target = join(directory, 'other')
    writeFileSync(target, JSON.stringify({ nonce, host: 'elsewhere', pid: 1, expiresAtMs: 1 }))
    symlinkSync(target, path)
    await expect(lock.acquire('key', 60_000)).rejects.toMatchObject({ detail: 'The store failed: ELOOP.' })
  })

  it('[A2] is extended and removed by its own holder alone, while its time runs', async () => {
    const { lock, time, path, files } = await setUp()
    const lease = await lock.acquire('key', 1000)
    time.ms = startMs + 999
    expect(await lease?.extend(1000)).toBe(true)
    time.ms = startMs + 1999
    expect(await lease?.extend(1)).toBe(false)
    const mine = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify({ ...mine, nonce }))
    await lease?.release()
    expect(await lease?.extend(1000)).toBe(false)
    expect(files()).toHaveLength(1)
  })

  it('[A2] is not broken deeper than three rights, nor while another one breaks it', async () => {
    const { lock, path, hold, files } = await setUp()
    await lock.acquire('key', 60_000)
    const { host } = JSON.parse(readFileSync(path, 'utf8'))
    const dead = { nonce, host, pid: 2 ** 30, expiresAtMs: 9e15 }
    hold(dead)
    for (const name of [path, `${path}.${nonce}`, `${path}.${nonce}.${nonce}`, `${path}.${nonce}.${nonce}.${nonce}`]) {
      writeFileSync(name, JSON.stringify(dead), { mode: 0o600 })
    }
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
    expect(files()).toHaveLength(4)
  })

  it.each<[string, object, string]>([
    ['no folder', {}, '`directory` takes an absolute path.'],
    ['a relative one', { directory: 'locks' }, '`directory` takes an absolute path.'],
    ['a folder that is no text', { directory: ['/tmp'] }, '`directory` takes an absolute path.'],
    ['a clock that stands', { directory: '/tmp', clock: 7 }, '`clock` takes a function.'],
    ['an unknown option', { directory: '/tmp', ttl: 7 }, 'createFileLock has no option `ttl`.'],
  ])('[REAL-19] is not made with %s', (_name, options, message) => {
    expect(() => createFileLock(options as never)).toThrow(message)
  })
})
