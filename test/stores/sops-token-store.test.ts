import { chmod, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFileLock, createSopsTokenStore } from 'portcullis/native'
import { beforeAll, describe, expect, it } from 'vitest'
import { sha256Base64url } from '#crypto'
import { type AgeKey, createAgeKey, hasSops } from '../support/sops.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { describeProcesses } from './process-contract.js'
import { canary, describeTokenStore, entryOf } from './token-store-contract.js'
import { describeUserTokens } from './user-tokens-contract.js'

const code = (name: string) => expect.objectContaining({ name: 'TokenStoreError', code: `ERR_TOKEN_STORE_${name}` })

describe.runIf(hasSops('the SOPS token store'))('with a real sops', () => {
  let age: AgeKey

  beforeAll(() => {
    age = createAgeKey()
  })

  async function open() {
    const directory = await temporaryFolder()
    const options = { directory, ageRecipients: age.recipient, env: age.env }
    let offsetMs = 0
    const fileOf = async (key: string) => join(directory, `${await sha256Base64url(key)}.token.sops.json`)
    return {
      store: createSopsTokenStore({ ...options, clock: () => Date.now() + offsetMs }),
      pass(ms: number) {
        offsetMs += ms
      },
      async damage(key: string) {
        const content = await readFile(await fileOf(key), 'utf8')
        await writeFile(await fileOf(key), content.replace(/data:./, 'data:_'))
      },
      swap: async (from: string, to: string) => rename(await fileOf(from), await fileOf(to)),
      settings: { kind: 'sops', ...options },
    }
  }
  describeTokenStore('sops', open)
  describeProcesses('sops', open)

  describeUserTokens('sops files', async () => {
    const directory = await temporaryFolder()
    const open = () => createSopsTokenStore({ directory, ageRecipients: age.recipient, env: age.env })
    return { stores: [open(), open()], lock: createFileLock({ directory: join(directory, 'leases') }) }
  })

  it('[L14] [A9] has no plain text on disk, and files of mode 0600', async () => {
    const directory = await temporaryFolder()
    const store = createSopsTokenStore({ directory, ageRecipients: [age.recipient], env: age.env })
    await store.set(canary, entryOf(canary, { account: { issuer: canary, subject: canary } }))
    const files = (await readdir(directory)).filter((file) => file !== '.locks')
    expect(files).toHaveLength(1)
    const file = join(directory, files[0] as string)
    expect(await readFile(file, 'utf8')).not.toContain(canary)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('[F14] is not disturbed by a .sops.yaml above its folder when recipients are given', async () => {
    const directory = await temporaryFolder()
    await writeFile(join(directory, '.sops.yaml'), 'creation_rules:\n  - path_regex: nothing-here$\n')
    const store = createSopsTokenStore({ directory, ageRecipients: age.recipient, env: age.env })
    await store.set('user', entryOf('tokens'))
    expect((await store.get('user'))?.tokens).toBe('tokens')
  })

  it('[S1-48] encrypts as .sops.yaml says without recipients, and tells where nothing says so', async () => {
    const directory = await temporaryFolder()
    const store = createSopsTokenStore({ directory, env: age.env })
    await expect(store.set('user', entryOf('tokens'))).rejects.toEqual(code('CONFIGURATION'))
    expect(await store.get('user')).toBeUndefined()
    const rule = `creation_rules:\n  - path_regex: \\.token\\.sops\\.json$\n    age: ${age.recipient}\n`
    await writeFile(join(directory, '.sops.yaml'), rule)
    await store.set('user', entryOf('tokens'))
    expect((await store.get('user'))?.tokens).toBe('tokens')
  })

  it('[F15] tells a key that is missing, a recipient that is none, and a file that was cut short', async () => {
    const directory = await temporaryFolder()
    const store = createSopsTokenStore({ directory, ageRecipients: age.recipient, env: age.env })
    await store.set('user', entryOf('tokens'))
    const stranger = createSopsTokenStore({ directory, ageRecipients: age.recipient, env: createAgeKey().env })
    await expect(stranger.get('user')).rejects.toEqual(code('LOCKED'))
    await expect(stranger.has('user')).rejects.toMatchObject({ retryable: true })
    await expect(stranger.keys()[Symbol.asyncIterator]().next()).rejects.toEqual(code('LOCKED'))
    const wrong = createSopsTokenStore({ directory, ageRecipients: 'age1notarecipient', env: age.env })
    await expect(wrong.set('user', entryOf('others'))).rejects.toEqual(code('CONFIGURATION'))
    expect((await store.get('user'))?.tokens).toBe('tokens')
    const file = join(directory, `${await sha256Base64url('user')}.token.sops.json`)
    for (const content of ['', '{}', '{"data":"tokens"}', (await readFile(file, 'utf8')).slice(0, 200)]) {
      await writeFile(file, content)
      await expect(store.get('user'), content).rejects.toEqual(code('CORRUPT'))
    }
  })

  it('[A9] puts no secret into the arguments of the program, nor into its own error when the program complains', async () => {
    const directory = await temporaryFolder()
    const binary = join(directory, 'talking-sops')
    await writeFile(binary, `#!/bin/sh\necho "$@" >> ${directory}/arguments\ncat >&2\necho ${canary}\nexit 1\n`)
    await chmod(binary, 0o700)
    const store = createSopsTokenStore({ directory, binary, ageRecipients: age.recipient, env: age.env })
    const error = await store.set('user', entryOf(canary)).catch((thrown: Error) => thrown)
    expect(error).toEqual(code('CONFIGURATION'))
    expect(JSON.stringify(error)).not.toContain(canary)
    expect(await readFile(join(directory, 'arguments'), 'utf8')).toContain('encrypt --age')
    expect(await readFile(join(directory, 'arguments'), 'utf8')).not.toContain(canary)
  })
})
