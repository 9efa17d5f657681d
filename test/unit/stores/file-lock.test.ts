import { createFileLock } from 'portcullis/native'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../support/temporary-folder.js'

/** What the platform answers, by the name of its function. */
const faults = vi.hoisted(() => new Map<string, string>())

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>()
  const faulty = <Args extends unknown[], T>(name: string, work: (...args: Args) => T) => {
    return (...args: Args) => {
      const code = faults.get(name)
      if (code !== undefined) throw Object.assign(new Error(code), { code })
      return work(...args)
    }
  }
  return {
    ...real,
    openSync: faulty('open', real.openSync),
    writeFileSync: faulty('write', real.writeFileSync),
    readlinkSync: faulty('readlink', real.readlinkSync),
    unlinkSync: faulty('unlink', real.unlinkSync),
  }
})

beforeEach(() => faults.clear())

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
    const lock = createFileLock({ directory: await temporaryFolder() })
    const lease = await lock.acquire('key', 60_000)
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
    await lease?.release()
    expect(await lock.acquire('key', 60_000)).toBeDefined()
  })
})
