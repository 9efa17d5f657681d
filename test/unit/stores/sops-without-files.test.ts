import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { afterEach, expect, it, vi } from 'vitest'
import { sopsDecrypt, sopsEncrypt } from '../../../src/stores/sops/sops.js'

/** What Node does in a process that may open no further file: a child without pipes, which fails in the next tick. */
vi.mock('node:child_process', () => ({
  spawn: (): Partial<ChildProcess> => {
    const child = new EventEmitter()
    process.nextTick(() => child.emit('error', Object.assign(new Error('spawn sops EMFILE'), { code: 'EMFILE' })))
    return child as Partial<ChildProcess>
  },
}))

afterEach(() => {
  vi.useRealTimers()
})

it.each([
  ['encrypts', sopsEncrypt],
  ['decrypts', sopsDecrypt],
])('rejects, and leaves no timer, where no file is left for the pipes of a program that %s', async (_, call) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const settings = { binary: 'sops', directory: '/', ageRecipients: [], timeoutMs: 20_000, env: undefined }
  await expect(call(settings, 'text', 'file')).rejects.toMatchObject({
    name: 'TokenStoreError',
    code: 'ERR_TOKEN_STORE_UNAVAILABLE',
    detail: 'sops cannot be started: EMFILE.',
    retryable: true,
  })
  expect(vi.getTimerCount()).toBe(0)
})
