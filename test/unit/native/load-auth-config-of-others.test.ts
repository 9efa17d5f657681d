import { chmodSync, constants, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadAuthConfig } from '../../../src/native/load-auth-config.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

/** Whose the file is, as far as the file system tells: none but root can give one away. */
const owner = vi.hoisted(() => ({ uid: 0 }))
/** What happens once the file was judged. */
const onceJudged = vi.hoisted((): (() => void)[] => [])
/** How files were opened. */
const opened = vi.hoisted((): number[] => [])

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const told = <Facts extends object>(facts: Facts): Facts => {
    for (const happen of onceJudged.splice(0)) happen()
    return Object.assign(facts, { uid: owner.uid })
  }
  return {
    ...real,
    open: async (path: string, flags: number) => {
      opened.push(flags)
      const file = await real.open(path, flags)
      const { stat } = file
      file.stat = (async () => told(await stat.call(file))) as typeof stat
      return file
    },
  }
})

const { geteuid } = process
const me = 1000
beforeEach(() => {
  Object.assign(process, { geteuid: () => me })
})
afterEach(() => {
  Object.assign(process, { geteuid })
})

async function put(clientId: string): Promise<string> {
  const file = join(await temporaryFolder(), 'portcullis.json')
  writeFileSync(file, JSON.stringify({ providers: { a: { issuer: 'https://id.test', clientId } } }), { mode: 0o600 })
  return file
}

describe('the owner of a configuration', () => {
  it.each([
    ['this user', me],
    ['root', 0],
  ])('[S1-03] may be %s', async (_who, uid) => {
    owner.uid = uid
    expect((await loadAuthConfig({ file: await put('mine') })).providerNames()).toEqual(['a'])
  })

  it('[S1-03] may be no other user, even where the file is open to no one else', async () => {
    owner.uid = 1001
    const file = await put('theirs')
    await expect(loadAuthConfig({ file })).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
      message: `The configuration belongs to another user: chown ${me} '${file}'`,
    })
  })

  it('[S1-03] is not asked for where the platform knows no owners and modes', async () => {
    owner.uid = 1001
    const file = await put('windows')
    chmodSync(file, 0o622)
    Object.assign(process, { geteuid: undefined })
    expect((await loadAuthConfig({ file })).provider('a')?.clientId).toBe('windows')
  })

  it('[S1-03] is that of the file that is read, also where another one takes its place meanwhile', async () => {
    owner.uid = me
    const file = await put('mine')
    const other = await put('theirs')
    onceJudged.push(() => renameSync(other, file))
    expect((await loadAuthConfig({ file })).provider('a')?.clientId).toBe('mine')
  })

  it('[S1-03] is asked for without waiting, where a pipe stands in the place of the file', async () => {
    owner.uid = me
    await loadAuthConfig({ file: await put('mine') })
    expect(opened.at(-1)).toBe(constants.O_RDONLY | constants.O_NONBLOCK)
  })
})
