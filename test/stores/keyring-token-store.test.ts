import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { AsyncEntry } from '@napi-rs/keyring'
import { createFileLock, createKeyringTokenStore } from 'portcullis/native'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256Base64url } from '#crypto'
import { bundledScript } from '../support/bundled-script.js'
import { hasSecretService, type SecretService, startSecretService } from '../support/secret-service.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { describeProcesses } from './process-contract.js'
import { describeTokenStore, entryOf } from './token-store-contract.js'
import { describeUserTokens } from './user-tokens-contract.js'

const pinned = { linux: { store: 'secret-service' } } as const

/** Runs the script with a keyring of its own: the connection to D-Bus is made once per process. */
async function outcomeOf(env: Readonly<Record<string, string>>, timeoutMs: number): Promise<unknown> {
  const script = await bundledScript('support/probe-keyring')
  const directory = await temporaryFolder()
  const child = spawn(process.execPath, [script, directory, String(timeoutMs)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(await text(child.stdout))
}

describe.runIf(hasSecretService('the keyring token store'))('with a real Secret Service', () => {
  let service: SecretService

  beforeAll(async () => {
    service = await startSecretService('unlocked')
    Object.assign(process.env, service.env)
  })

  afterAll(() => service?.stop())

  async function makeStore(offset: () => number = () => 0) {
    const options = { service: `portcullis-test-${randomUUID()}`, timeoutMs: 20_000 }
    const lock = createFileLock({ directory: await temporaryFolder() })
    return { options, store: createKeyringTokenStore({ ...options, lock, clock: () => Date.now() + offset() }) }
  }

  async function open() {
    let offsetMs = 0
    const { options, store } = await makeStore(() => offsetMs)
    const indexOf = async (key: string) => new AsyncEntry(options.service, await sha256Base64url(key), pinned)
    return {
      store,
      pass(ms: number) {
        offsetMs += ms
      },
      damage: async (key: string) => (await indexOf(key)).setPassword('{"v":1,"generation":1'),
      async swap(from: string, to: string) {
        const index = await (await indexOf(from)).getPassword()
        await (await indexOf(to)).setPassword(index as string)
      },
      settings: { kind: 'keyring', ...options },
    }
  }
  describeTokenStore('keyring', open)
  describeProcesses('keyring', open)

  describeUserTokens('the keyring', async () => {
    const options = { service: `portcullis-test-${randomUUID()}`, timeoutMs: 20_000 }
    const lock = createFileLock({ directory: await temporaryFolder() })
    const open = () => createKeyringTokenStore({ ...options, lock })
    return { stores: [open(), open()], lock }
  })

  it('[F9] [S2-47] works, and says so only after an entry came back', async () => {
    const { store } = await makeStore()
    await expect(store.probe()).resolves.toBeUndefined()
    expect(store.describe()).toMatchObject({ kind: 'keyring', atRest: 'os', persistent: true })
  })

  it('[F11] keeps no piece of more than 1,280 characters', async () => {
    const { options, store } = await makeStore()
    await store.set('user', entryOf('ä'.repeat(5000)))
    const name = await sha256Base64url('user')
    const index = JSON.parse((await new AsyncEntry(options.service, name, pinned).getPassword()) as string)
    expect(index.count).toBeGreaterThan(20)
    for (let n = 0; n < index.count; n++) {
      const piece = await new AsyncEntry(options.service, `${name}.1.${n}`, pinned).getPassword()
      expect(piece?.length).toBeLessThanOrEqual(1200)
    }
    expect((await store.get('user'))?.tokens).toBe('ä'.repeat(5000))
  })

  it('goes on when the keyring ends itself and is started anew', async () => {
    const { store } = await makeStore()
    await store.set('user', entryOf('tokens'))
    await service.crash()
    expect((await store.get('user'))?.tokens).toBe('tokens')
  })

  it('[F10] has no store behind it: without a Secret Service it is unavailable', async () => {
    const env = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent' }
    expect(await outcomeOf(env, 10_000)).toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE', retryable: true })
  })

  it('[S2-47] is locked while nobody answers its prompt', async () => {
    const locked = await startSecretService('locked')
    const outcome = await outcomeOf(locked.env, 3000)
    await locked.stop()
    expect(outcome).toMatchObject({ code: 'ERR_TOKEN_STORE_LOCKED', retryable: true })
  })
})
