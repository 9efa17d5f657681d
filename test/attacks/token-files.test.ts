import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createFileTokenStore } from 'portcullis/native'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sha256Base64url } from '#crypto'
import { entryOf } from '../stores/token-store-contract.js'
import { bundledScript } from '../support/bundled-script.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const fileName = `${await sha256Base64url('alice')}.token.json`

const entry = entryOf('tokens of alice')
const nobody = 65_534
const isRoot = process.getuid?.() === 0

async function written() {
  const directory = join(await temporaryFolder(), 'state', 'tokens')
  const store = createFileTokenStore({ directory })
  await store.set('alice', entry)
  return { directory, file: join(directory, fileName), store }
}

describe('files of tokens', () => {
  it('[S1-47] have mode 0600 in a folder of mode 0700, whatever the umask', async () => {
    const before = process.umask(0)
    onTestFinished(() => void process.umask(before))
    const { directory, file } = await written()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(join(directory, '..'))).mode & 0o777).toBe(0o700)
  })

  it('[A12] can be read in a folder that is read-only, and not written', async () => {
    const { directory, file, store } = await written()
    if (isRoot) {
      const own = [join(directory, '..', '..'), join(directory, '..'), directory, file, join(directory, '.locks')]
      for (const path of own) await chown(path, nobody, nobody)
      process.seteuid?.(nobody)
      onTestFinished(() => process.seteuid?.(0))
    }
    await chmod(directory, 0o500)
    onTestFinished(() => chmod(directory, 0o700))
    expect(await store.get('alice')).toEqual(entry)
    await expect(store.set('alice', entryOf('next'))).rejects.toMatchObject({ detail: 'The store failed: EACCES.' })
    expect(await store.get('alice')).toEqual(entry)
  })

  it('[A2] are whole after each of 12 kills in the middle of writing, and the next process goes on at once', async () => {
    const { directory } = await written()
    const locks = join(directory, '.locks')
    // The clock stands still, so a lock of the dead never runs out. Few kills meet one: file-lock.test.ts has how it is freed.
    let nowMs = Date.now()
    const store = createFileTokenStore({ directory, clock: () => nowMs })
    const script = await bundledScript('support/write-until-killed')
    const settings = JSON.stringify({ kind: 'file', directory })
    let last = 0
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, [script, settings, 'alice'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child.stdout.on('data', (lines: Buffer) => {
        last = Number(String(lines).trim().split('\n').at(-1))
        if (last > round) child.kill('SIGKILL')
      })
      await once(child, 'exit')
      const found = await store.get('alice')
      const { number, filling } = JSON.parse(found?.tokens as string)
      expect(number).toBeGreaterThanOrEqual(last)
      expect(filling).toBe(String(number % 10).repeat(40_000))
      const held = await Promise.all((await readdir(locks)).map((name) => readFile(join(locks, name), 'utf8')))
      // One that was killed before it wrote its name is waited for.
      if (held.some((text) => !text.endsWith('}'))) nowMs = Date.now() + 31_000
      await store.set('alice', entryOf('after the kill'))
      expect((await readdir(directory)).sort()).toEqual(['.locks', fileName].sort())
    }
  }, 240_000)
})
