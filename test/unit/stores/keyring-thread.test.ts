import { closeSync, openSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createKeyringCalls, type KeyringCall } from '../../../src/stores/keyring/keyring-thread.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const found = vi.hoisted(() => ({ path: undefined as string | undefined }))

vi.mock('node:module', async (original) => ({
  ...(await original<typeof import('node:module')>()),
  createRequire: () => ({
    resolve(name: string) {
      if (name === '@napi-rs/keyring' && found.path !== undefined) return found.path
      throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' })
    },
  }),
}))

/** Stands for `@napi-rs/keyring`: holds a file per entry for as long as its thread lives, as that does a connection. */
const packageText = `
const { openSync } = require('node:fs')
const { threadId } = require('node:worker_threads')
exports.AsyncEntry = class {
  constructor(...given) {
    this.given = given
    openSync(process.execPath, 'r')
  }
  async getPassword() {
    const [service, account, options] = this.given
    if (account === 'refused') throw new Error('the collection is locked')
    if (account === 'nothing') throw undefined
    if (account === 'prompt') await new Promise(() => {})
    if (account === 'end') process.exit(1)
    return account === 'thread' ? threadId : [service, account, options.linux.store]
  }
  async setPassword(...secrets) { return secrets }
  async deleteCredential(...given) { return given.length === 0 }
}`

const never = () => new AbortController().signal
const get = (account: string): KeyringCall => ({ method: 'getPassword', account })

function openManyFiles(): void {
  const files: number[] = []
  onTestFinished(() => files.forEach((file) => void closeSync(file)))
  while ((files.at(-1) ?? 0) < 999) files.push(openSync(devNull, 'r'))
}

beforeEach(async () => {
  const path = join(await temporaryFolder(), 'package.cjs')
  await writeFile(path, packageText)
  found.path = path
})

describe('calls of the keyring', () => {
  it('are made in another thread, by the names of the package', async () => {
    const call = createKeyringCalls('mine', 'keyutils')
    expect(await call(get('thread'), never())).toBeGreaterThan(0)
    expect(await call(get('ann'), never())).toEqual(['mine', 'ann', 'keyutils'])
    expect(await call({ method: 'setPassword', account: 'ann', secret: 's' }, never())).toEqual(['s'])
    expect(await call({ method: 'setPassword', account: 'ann', secret: '' }, never())).toEqual([''])
    expect(await call({ method: 'deleteCredential', account: 'ann' }, never())).toBe(true)
  })

  it('share a thread, which is replaced after 100 of them', async () => {
    const call = createKeyringCalls('mine', 'secret-service')
    const threads = await Promise.all(Array.from({ length: 250 }, () => call(get('thread'), never())))
    const sizes = [...new Set(threads)].map((thread) => threads.filter((other) => other === thread).length)
    expect(sizes).toEqual([100, 100, 50])
  })

  it('leave no connection behind, however many they are', async () => {
    const held = () => readdirSync('/proc/self/fd').length
    const before = held()
    const call = createKeyringCalls('mine', 'secret-service')
    for (let n = 0; n < 500; n++) await call(get('ann'), never())
    await vi.waitFor(() => expect(held() - before).toBeLessThan(150), 20_000)
  })

  it('fail with the words of the package', async () => {
    const call = createKeyringCalls('mine', 'secret-service')
    await expect(call(get('refused'), never())).rejects.toThrow('the collection is locked')
    await expect(call(get('nothing'), never())).rejects.toThrow('undefined')
  })

  it('end with the reason of the signal, and go on in a new thread beside those that wait', async () => {
    const call = createKeyringCalls('mine', 'secret-service')
    const [first, second] = [new AbortController(), new AbortController()]
    const waits = call(get('prompt'), first.signal)
    const stillWaits = call(get('prompt'), second.signal)
    const thread = await call(get('thread'), never())
    first.abort(new Error('too late'))
    await expect(waits).rejects.toThrow('too late')
    expect(await call(get('thread'), never())).not.toBe(thread)
    second.abort(new Error('too late as well'))
    await expect(stillWaits).rejects.toThrow('too late as well')
  })

  it.each(['ann', 'refused'])('that were given up, or answered before, harm no other: %s', async (account) => {
    const call = createKeyringCalls('mine', 'secret-service')
    const user = new AbortController()
    const givenUp = call(get(account), user.signal)
    const last = call(get('ann'), never())
    user.abort(new Error('too late'))
    await expect(givenUp).rejects.toThrow('too late')
    expect(await last).toEqual(['mine', 'ann', 'secret-service'])
    const answered = new AbortController()
    await call(get('ann'), answered.signal)
    answered.abort()
    expect(await call(get('ann'), never())).toEqual(['mine', 'ann', 'secret-service'])
  })

  it('fail where their thread ends, and go on in another', async () => {
    const call = createKeyringCalls('mine', 'secret-service')
    const thread = await call(get('thread'), never())
    await expect(call(get('end'), never())).rejects.toThrow('The thread of the keyring ended.')
    expect(await call(get('thread'), never())).not.toBe(thread)
  })

  it('keep the process alive while one of them waits, and no longer', async () => {
    const ports = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length
    const before = ports()
    const call = createKeyringCalls('mine', 'secret-service')
    const user = new AbortController()
    const waits = call(get('prompt'), user.signal)
    await call(get('ann'), never())
    expect(ports() - before).toBe(1)
    user.abort(new Error('enough'))
    await expect(waits).rejects.toThrow('enough')
    await call(get('ann'), never())
    expect(ports() - before).toBe(0)
  })

  it.runIf(process.platform === 'linux')(
    'are refused while so many files are open that the package would spin',
    async () => {
      const call = createKeyringCalls('mine', 'secret-service')
      openManyFiles()
      await expect(call(get('ann'), never())).rejects.toMatchObject({
        code: 'ERR_TOKEN_STORE_UNAVAILABLE',
        detail: 'A process with more than 1000 open files and sockets cannot ask the keyring.',
      })
    },
  )

  it('are made whatever is open where the package does not wait for D-Bus', async () => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor
    onTestFinished(() => void Object.defineProperty(process, 'platform', platform))
    Object.defineProperty(process, 'platform', { ...platform, value: 'darwin' })
    const call = createKeyringCalls('mine', 'secret-service')
    openManyFiles()
    expect(await call(get('ann'), never())).toEqual(['mine', 'ann', 'secret-service'])
  })

  it.each(['missing', 'broken'])('say what to install where the package is %s', async (state) => {
    found.path = state === 'missing' ? undefined : join(import.meta.dirname, 'not-there.cjs')
    await expect(createKeyringCalls('mine', 'secret-service')(get('ann'), never())).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
      detail: 'The package @napi-rs/keyring cannot be loaded (MODULE_NOT_FOUND): install it beside portcullis.',
    })
  })
})
