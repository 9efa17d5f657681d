import type { Stats } from 'node:fs'
import { chmod, chown, lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFileTokenStore } from 'portcullis/native'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { sha256Base64url } from '#crypto'
import { entryOf } from '../../../stores/token-store-contract.js'
import { temporaryFolder } from '../../../support/temporary-folder.js'

/** Steps of a write that fail, by name, with the code they fail with. */
const failing = vi.hoisted(() => new Map<string, string>())
/** Paths that another user has, as far as the file system tells. */
const foreign = vi.hoisted(() => new Set<string>())
/** How many files are open. */
const files = vi.hoisted(() => ({ open: 0 }))
/** What happens while a file is synced. */
const onSync = vi.hoisted((): (() => void)[] => [])

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const failAt = (step: string) => {
    const code = failing.get(step)
    if (code !== undefined) throw Object.assign(new Error(`${code}: canary of the platform`), { code })
  }
  const owned = <Facts extends { uid: number }>(path: string, facts: Facts): Facts => {
    if (foreign.has(path)) facts.uid += 1
    return facts
  }
  return {
    ...real,
    stat: async (path: string) => owned(path, await real.stat(path)),
    open: async (path: string, flags: number, mode?: number) => {
      failAt('open')
      const file = await real.open(path, flags, mode)
      const isFolder = (await file.stat()).isDirectory()
      const { writeFile: write, sync, stat, close } = file
      files.open += 1
      file.close = async () => {
        files.open -= 1
        return close.call(file)
      }
      file.stat = (async () => owned(path, (await stat.call(file)) as Stats)) as typeof stat
      file.writeFile = async (...args) => {
        failAt('write')
        return write.apply(file, args)
      }
      file.sync = async () => {
        failAt(isFolder ? 'sync folder' : 'sync')
        for (const happen of onSync) happen()
        return sync.apply(file)
      }
      return file
    },
    rename: async (from: string, to: string) => {
      failAt('rename')
      return real.rename(from, to)
    },
    unlink: async (path: string) => {
      failAt('unlink')
      return real.unlink(path)
    },
    lstat: async (path: string) => {
      failAt('lstat')
      const facts = await real.lstat(path)
      if (failing.has('race') && facts.isSymbolicLink()) facts.isSymbolicLink = () => false
      return facts
    },
  }
})

const entry = entryOf('tokens of alice')
const fileName = `${await sha256Base64url('alice')}.token.json`
const nobody = 65_534
const isRoot = process.getuid?.() === 0

async function written() {
  const directory = join(await temporaryFolder(), 'state', 'tokens')
  const store = createFileTokenStore({ directory })
  await store.set('alice', entry)
  return { directory, file: join(directory, fileName), store }
}

/** Root can give a file to another user; for anybody else the file system says that it has one. */
async function giveAway(path: string): Promise<void> {
  if (isRoot) await chown(path, nobody, nobody)
  else foreign.add(path)
}

async function takeBack(path: string): Promise<void> {
  if (isRoot) await chown(path, 0, 0)
  foreign.delete(path)
}

function failAt(step: string, code: string): void {
  failing.set(step, code)
  onTestFinished(() => failing.clear())
}

const insecure = (detail: RegExp | string) =>
  expect.objectContaining({ code: 'ERR_TOKEN_STORE_INSECURE', retryable: false, detail: expect.stringMatching(detail) })

describe('files of tokens', () => {
  it('[S1-47] have mode 0600 in a folder of mode 0700', async () => {
    const { directory, file } = await written()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(join(directory, '..'))).mode & 0o777).toBe(0o700)
  })

  it('[D13] are named by a hash: keys that look like paths stay in the folder, and none shows in a name', async () => {
    const { directory, store } = await written()
    await store.set('../../alice', entryOf('one'))
    await store.set('..\\..\\alice', entryOf('two'))
    expect((await readdir(directory)).filter((name) => name !== '.locks')).toHaveLength(3)
    expect((await readdir(directory)).join()).not.toContain('alice')
  })

  it.each([0o640, 0o604, 0o620, 0o601])(
    '[A12] are refused with mode %o, with the command that mends it',
    async (mode) => {
      const { file, store } = await written()
      await chmod(file, mode)
      await expect(store.get('alice')).rejects.toEqual(insecure(/chmod 600 '.*\.token\.json'/))
      await expect(store.set('alice', entry)).rejects.toEqual(insecure('chmod'))
      await expect(store.replace('alice', entry.version, entry)).rejects.toEqual(insecure('chmod'))
      await expect(store.has('alice')).rejects.toEqual(insecure('chmod'))
      expect(await store.delete('alice')).toBe(true)
    },
  )

  it('[A12] are refused in a folder that is open to others', async () => {
    const { directory, store } = await written()
    for (const mode of [0o750, 0o707, 0o770]) {
      await chmod(directory, mode)
      await expect(store.get('alice')).rejects.toEqual(insecure(/chmod 700/))
    }
  })

  it('[A12] are refused when they belong to another user, and so is their folder', async () => {
    const { directory, file, store } = await written()
    for (const [path, what] of [
      [file, /^The file .* belongs to another user/],
      [directory, /^The folder .* belongs to another user/],
    ] as const) {
      await giveAway(path)
      await expect(store.get('alice')).rejects.toEqual(insecure(what))
      await takeBack(path)
      expect(await store.get('alice')).toEqual(entry)
    }
  })

  it('[A12] are followed through a link to a file of one’s own, whose target is replaced', async () => {
    const { file, store } = await written()
    const target = join(await temporaryFolder(), 'elsewhere.json')
    await rename(file, target)
    await symlink(target, file)
    const next = entryOf('next')
    await store.set('alice', next)
    expect((await lstat(file)).isSymbolicLink()).toBe(true)
    expect(await readFile(target, 'utf8')).toContain('next')
    expect(await store.get('alice')).toEqual(next)
    expect(await store.delete('alice')).toBe(true)
    await expect(lstat(target)).rejects.toThrow('ENOENT')
    await expect(lstat(file)).rejects.toThrow('ENOENT')
  })

  it('[A12] are refused behind a link that leads nowhere, to an open file, or into an open folder', async () => {
    const { file, store } = await written()
    const folder = await temporaryFolder()
    const target = join(folder, 'planted.json')
    await rename(file, target)
    await symlink(target, file)
    await chmod(target, 0o644)
    await expect(store.get('alice')).rejects.toEqual(insecure(/chmod 600/))
    await chmod(target, 0o600)
    await chmod(folder, 0o777)
    await expect(store.set('alice', entry)).rejects.toEqual(insecure(/chmod 700/))
    await chmod(folder, 0o700)
    await rename(target, `${target}.away`)
    await expect(store.set('alice', entry)).rejects.toEqual(insecure(/leads nowhere/))
    expect(await store.delete('alice')).toBe(true)
    expect(await readdir(folder)).toEqual(['planted.json.away'])
  })

  it('[A12] are refused when they become a link while they are opened', async () => {
    const { file, store } = await written()
    await rename(file, `${file}.away`)
    await symlink(`${file}.away`, file)
    failAt('race', 'ELOOP')
    await expect(store.get('alice')).rejects.toEqual(insecure(/became a link/))
  })

  it('[A12] are refused when they are folders, and corrupt beyond 1 MiB', async () => {
    const { file, store } = await written()
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.padEnd(1_048_576))
    expect(await store.get('alice')).toEqual(entry)
    await writeFile(file, text.padEnd(1_048_577))
    await expect(store.get('alice')).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_CORRUPT',
      detail: 'A file has more than 1048576 bytes.',
    })
    await store.delete('alice')
    await mkdir(file, { mode: 0o700 })
    await expect(store.get('alice')).rejects.toMatchObject({ detail: `${file} is not a file. Remove it.` })
  })

  it.each([
    ['{"v":1,"key":"alice"'],
    ['[]'],
    ['{"v":2}'],
    ['{"v":1,"key":"alice","entry":{"v":1}}'],
    ['{"v":1,"key":"alice","expiresAtMs":"soon","entry":{}}'],
    ['{"v":1,"key":7,"entry":{}}'],
  ])('[A12] are corrupt with the content %s, and stay for inspection', async (content) => {
    const { file, store } = await written()
    await writeFile(file, content)
    await expect(store.get('alice')).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_CORRUPT', retryable: false })
    await expect(store.replace('alice', entry.version, entry)).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_CORRUPT',
    })
    expect(await readFile(file, 'utf8')).toBe(content)
  })

  it.each([
    ['write', 'ENOSPC'],
    ['write', 'EDQUOT'],
    ['sync', 'EIO'],
    ['rename', 'EROFS'],
  ])('[A12] keep the old entry when %s fails with %s', async (step, code) => {
    const { directory, store } = await written()
    failAt(step, code)
    const error = await store.set('alice', entryOf('next')).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
      status: 503,
      retryable: true,
      detail: `The store failed: ${code}.`,
    })
    expect(error).not.toHaveProperty('cause')
    failing.clear()
    expect(await store.get('alice')).toEqual(entry)
    expect((await readdir(directory)).sort()).toEqual(['.locks', fileName].sort())
  })

  it('[A12] tell of a folder that cannot be synced, unless the file system knows no such thing', async () => {
    const { store } = await written()
    for (const code of ['EINVAL', 'EISDIR', 'EPERM']) {
      failAt('sync folder', code)
      await store.set('alice', entry)
    }
    failAt('sync folder', 'EIO')
    await expect(store.set('alice', entry)).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' })
    expect(await store.delete('nobody')).toBe(false)
    await expect(store.delete('alice')).rejects.toMatchObject({ detail: 'The store failed: EIO.' })
  })

  it('[A12] leave no file open, and none of a writer that died beside one that is deleted', async () => {
    files.open = 0
    const { directory, file, store } = await written()
    await store.get('alice')
    await store.get('nobody')
    await chmod(file, 0o644)
    await expect(store.get('alice')).rejects.toEqual(insecure('chmod'))
    failAt('write', 'ENOSPC')
    await expect(store.set('bob', entry)).rejects.toThrow()
    await writeFile(`${file}.tmp`, 'half')
    expect(await store.delete('alice')).toBe(true)
    expect(files.open).toBe(0)
    expect((await readdir(directory)).filter((name) => name !== '.locks')).toEqual([])
  })

  it.each(['open', 'lstat', 'unlink'])('[A12] count as missing for nobody where %s fails', async (step) => {
    const { store } = await written()
    failAt(step, 'EACCES')
    const call = step === 'unlink' ? store.delete('alice') : store.get('alice')
    await expect(call).rejects.toMatchObject({ detail: 'The store failed: EACCES.' })
    failing.clear()
    expect(await store.get('alice')).toEqual(entry)
  })

  it('[A12] are judged by nobody where the platform knows no owners and modes', async () => {
    const { file, store } = await written()
    await chmod(file, 0o644)
    const { geteuid } = process
    Object.assign(process, { geteuid: undefined })
    onTestFinished(() => void Object.assign(process, { geteuid }))
    expect(await store.get('alice')).toEqual(entry)
  })

  it('[A12] are refused in words that say what to write', async () => {
    const { directory, file, store } = await written()
    const words = async (detail: string) => {
      for (const call of [store.get('alice'), store.set('alice', entry)]) {
        await expect(call).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_INSECURE', detail })
      }
    }
    await chmod(file, 0o640)
    await words(`The file ${file} is open to others: chmod 600 '${file}'`)
    await chmod(directory, 0o750)
    await words(`The folder ${directory} is open to others: chmod 700 '${directory}'`)
    await chmod(directory, 0o700)
    const folder = await temporaryFolder()
    const target = join(folder, 'target.json')
    await rename(file, target)
    await symlink(target, file)
    await words(`The file ${target} is open to others: chmod 600 '${target}'`)
    await chmod(target, 0o600)
    await chmod(folder, 0o722)
    await words(`The folder ${folder} is open to others: chmod 700 '${folder}'`)
    await chmod(folder, 0o755)
    expect(await store.get('alice')).toEqual(entry)
    await rename(target, `${target}.away`)
    await words(`The link ${file} leads nowhere. Remove it.`)
    failAt('race', 'ELOOP')
    await expect(store.get('alice')).rejects.toMatchObject({ detail: `${file} became a link while it was opened.` })
  })

  it('[A12] are left to the process that took over where the lock was lost before the last step', async () => {
    const { directory, store } = await written()
    let offsetMs = 0
    const racing = createFileTokenStore({ directory, clock: () => Date.now() + offsetMs })
    onSync.push(() => {
      offsetMs += 60_000
    })
    onTestFinished(() => void onSync.pop())
    await expect(racing.set('alice', entryOf('too late'))).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_LOCKED' })
    expect(await store.get('alice')).toEqual(entry)
    expect((await readdir(directory)).sort()).toEqual(['.locks', fileName].sort())
  })
})
