import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFileLock } from 'portcullis/native'
import { describe, expect, it } from 'vitest'
import { describeLockStore } from '../../../stores/store-contract.js'
import { temporaryFolder } from '../../../support/temporary-folder.js'

let offsetMs = 0
const folder = '/tmp/portcullis-file-lock'
describeLockStore('a file lock', () => ({
  store: createFileLock({ directory: `${folder}-${process.pid}`, clock: () => Date.now() + offsetMs }),
  pass(ms) {
    offsetMs += ms
  },
}))

describe('a file lock', () => {
  it('[A2] tells a holder that lost its lease, and lets it take nothing from the next one', async () => {
    const directory = await temporaryFolder()
    let nowMs = Date.now()
    const lock = createFileLock({ directory, clock: () => nowMs })
    const late = await lock.acquire('key', 30_000)
    nowMs += 30_000
    const next = await lock.acquire('key', 30_000)
    expect(await late?.extend(30_000)).toBe(false)
    await late?.release()
    expect(await next?.extend(30_000)).toBe(true)
  })

  it('[A2] waits 30 s for a holder that died before it wrote its name, and leaves no file behind', async () => {
    const directory = await temporaryFolder()
    let nowMs = Date.now()
    const lock = createFileLock({ directory, clock: () => nowMs })
    const lease = await lock.acquire('key', 30_000)
    const [file = ''] = await readdir(directory)
    await lease?.release()
    for (const content of ['', '{"nonce":"', '{"nonce":"../../etc/passwd","expiresAtMs":1}', '{}']) {
      await writeFile(join(directory, file), content, { mode: 0o600 })
      nowMs = Date.now()
      expect(await lock.acquire('key', 30_000), content).toBeUndefined()
      nowMs += 30_100
      const mine = await lock.acquire('key', 30_000)
      expect(mine, content).toBeDefined()
      await mine?.release()
      expect(await readdir(directory)).toEqual([])
    }
  })

  it('[A2] goes on where a process died in the middle of breaking, extending or releasing, three deep', async () => {
    const directory = await temporaryFolder()
    const lock = createFileLock({ directory })
    await lock.acquire('key', 60_000)
    const [file = ''] = await readdir(directory)
    const dead = JSON.parse(await readFile(join(directory, file), 'utf8'))
    const corpse = async (path: string, nonce: string) =>
      writeFile(join(directory, path), JSON.stringify({ ...dead, pid: 2 ** 30, nonce }), { mode: 0o600 })
    const [a, b, c] = ['a'.repeat(16), 'b'.repeat(16), 'c'.repeat(16)]
    await corpse(file, a)
    await corpse(`${file}.${a}`, b)
    await corpse(`${file}.${a}.${b}`, c)
    const mine = await lock.acquire('key', 60_000)
    expect(mine).toBeDefined()
    expect(await mine?.extend(60_000)).toBe(true)
    await mine?.release()
    expect(await readdir(directory)).toEqual([])
  })

  it('[A2] leaves a lock to whoever is breaking it right now, and to holders of other machines', async () => {
    const directory = await temporaryFolder()
    const lock = createFileLock({ directory })
    const mine = await lock.acquire('key', 60_000)
    const [file = ''] = await readdir(directory)
    const living = JSON.parse(await readFile(join(directory, file), 'utf8'))
    await writeFile(join(directory, `${file}.${living.nonce}`), JSON.stringify({ ...living, nonce: 'x'.repeat(16) }))
    expect(await mine?.extend(60_000)).toBe(false)
    const elsewhere = { ...living, host: 'elsewhere', pid: 2 ** 30 }
    await writeFile(join(directory, file), JSON.stringify(elsewhere))
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
    const init = { ...living, pid: 1 }
    await writeFile(join(directory, file), JSON.stringify(init))
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
  })

  it('[A12] rejects with the error of stores where its folder cannot be used', async () => {
    const directory = await temporaryFolder()
    await writeFile(join(directory, 'file'), '')
    const lock = createFileLock({ directory: join(directory, 'file', 'below') })
    await expect(lock.acquire('key', 60_000)).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
      detail: expect.stringMatching(/ENOTDIR|EEXIST/),
    })
    expect(() => createFileLock({ directory: 'relative' })).toThrow('absolute path')
    expect(() => createFileLock({ directory, ttl: 7 } as never)).toThrow('`ttl`')
  })
})
