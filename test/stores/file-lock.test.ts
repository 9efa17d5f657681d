import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createFileLock } from 'portcullis/native'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bundledScript } from '../support/bundled-script.js'
import { temporaryFolder } from '../support/temporary-folder.js'

/** Another process that takes the lock, says so, and waits. */
async function holder(directory: string, key: string) {
  const child = spawn(process.execPath, [await bundledScript('support/hold-lock'), directory, key], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [answer] = await once(child.stdout, 'data')
  return { child, answer: String(answer).trim() }
}

describe('a file lock among processes', () => {
  it('[A2] frees a key at once when its holder was killed, and lets one of ten others in', async () => {
    const directory = await temporaryFolder()
    const { child, answer } = await holder(directory, 'key')
    expect(answer).toBe('held')
    const lock = createFileLock({ directory })
    expect(await lock.acquire('key', 60_000)).toBeUndefined()
    child.kill('SIGKILL')
    await once(child, 'exit')
    const leases = await Promise.all(Array.from({ length: 10 }, () => lock.acquire('key', 60_000)))
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1)
  })
})
