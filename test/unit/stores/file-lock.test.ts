import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createFileLock } from 'portcullis/native'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../support/temporary-folder.js'

/** What the platform answers, by the name of its function. */
const faults = vi.hoisted(() => new Map<string, string>())
/** What another process does right after a call, once. */
const races = vi.hoisted(() => new Map<string, (path: string) => void>())
/** How many files are open. */
const files = vi.hoisted(() => ({ open: 0 }))

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>()
  const faulty = <Args extends unknown[], T>(name: string, work: (...args: Args) => T) => {
    return (...args: Args) => {
      const code = faults.get(name)
      if (code !== undefined) throw Object.assign(new Error(code), { code })
      try {
        const answer = work(...args)
        if (name === 'open') files.open += 1
        if (name === 'close') files.open -= 1
        return answer
      } finally {
        const race = races.get(name)
        races.delete(name)
        race?.(String(args[0]))
      }
    }
  }
  return {
    ...real,
    openSync: faulty('open', real.openSync),
    writeFileSync: faulty('write', real.writeFileSync),
    readlinkSync: faulty('readlink', real.readlinkSync),
    unlinkSync: faulty('unlink', real.unlinkSync),
    closeSync: faulty('close', real.closeSync),
  }
})

beforeEach(() => {
  faults.clear()
  races.clear()
  files.open = 0
})

describe('a file lock on a platform with faults', () => {
  it('[A12] leaves no file where the disk is full, and works once it is not', async () => {
    const lock = createFileLock({ directory: await temporaryFolder() })
    faults.set('write', 'ENOSPC')
    await expect(lock.acquire('key', 60_000)).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
      detail: 'The store failed: ENOSPC.',
    })
    faults.clear()
    expect(await lock.acquire('key', 60_000)).toBeDefined()
  })

  it('[A12] leaves no file open, whatever becomes of the lock', async () => {
    const lock = createFileLock({ directory: await temporaryFolder() })
    const lease = await lock.acquire('key', 60_000)
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
    expect(await lease?.extend(60_000)).toBe(true)
    await lease?.release()
    faults.set('write', 'ENOSPC')
    await expect(lock.acquire('key', 60_000)).rejects.toThrow()
    expect(files.open).toBe(0)
  })

  it('[A2] is not had where another process took its file right after it was made, or removed it', async () => {
    const directory = await temporaryFolder()
    const lock = createFileLock({ directory })
    const path = () => join(directory, readdirSync(directory).find((name) => name.endsWith('.lock')) as string)
    const other = { nonce: 'o'.repeat(16), host: 'elsewhere', pid: 1, expiresAtMs: 9e15 }
    races.set('close', () => writeFileSync(path(), JSON.stringify(other)))
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
    rmSync(path())
    races.set('close', () => rmSync(path()))
    expect(await lock.acquire('key', 60_000)).toBeDefined()
  })

  it('[A2] is had where the holder gave it back between two looks', async () => {
    const directory = await temporaryFolder()
    const lock = createFileLock({ directory })
    await lock.acquire('key', 60_000)
    races.set('open', (path: string) => rmSync(path))
    expect(await lock.acquire('key', 60_000)).toBeDefined()
  })

  it('[A2] takes it for given back where its file is gone already', async () => {
    const lock = createFileLock({ directory: await temporaryFolder() })
    const lease = await lock.acquire('key', 60_000)
    faults.set('unlink', 'ENOENT')
    await expect(lease?.release()).resolves.toBeUndefined()
  })

  it('[A12] rejects where files cannot be made', async () => {
    const lock = createFileLock({ directory: await temporaryFolder() })
    faults.set('open', 'EMFILE')
    await expect(lock.acquire('key', 60_000)).rejects.toMatchObject({ detail: 'The store failed: EMFILE.' })
  })

  it('[A12] tells who releases a lock that its file cannot be removed, and keeps the lock', async () => {
    const lock = createFileLock({ directory: await temporaryFolder() })
    const lease = await lock.acquire('key', 60_000)
    faults.set('unlink', 'EACCES')
    await expect(lease?.release()).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
      detail: 'The store failed: EACCES.',
    })
    faults.clear()
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
  })

  it('[A2] works where process ids have no space of their own to name', async () => {
    faults.set('readlink', 'ENOENT')
    const directory = await temporaryFolder()
    const lock = createFileLock({ directory })
    const lease = await lock.acquire('key', 60_000)
    const [file = ''] = readdirSync(directory)
    expect(JSON.parse(readFileSync(join(directory, file), 'utf8')).host).toBe(hostname())
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
    await lease?.release()
    expect(await lock.acquire('key', 60_000)).toBeDefined()
  })
})
