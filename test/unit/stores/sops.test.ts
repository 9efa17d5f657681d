import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { createSopsTokenStore, type SopsTokenStoreOptions } from 'portcullis/native'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type SopsSettings, sopsDecrypt, sopsEncrypt } from '../../../src/stores/sops/sops.js'
import { entryOf } from '../../stores/token-store-contract.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

/** Notes its arguments, its folder and a variable, and puts a word before what it encrypts. */
const sealing = `printf '%s|' "$PWD" "$GREETING" "$@" >> "$0.calls"
printf '\\n' >> "$0.calls"
case " $* " in
*' encrypt '*) printf 'sealed:'; exec cat ;;
esac
input=$(cat)
case $input in
sealed:*) printf %s "\${input#sealed:}" ;;
*) exit 1 ;;
esac`

/** A program that stands for sops, and settings to call it. */
async function settingsFor(script: string, more: Partial<SopsSettings> = {}): Promise<SopsSettings> {
  const directory = await temporaryFolder()
  const binary = join(directory, 'sops')
  await writeFile(binary, `#!/bin/sh\n${script}\n`)
  await chmod(binary, 0o700)
  return { binary, directory, ageRecipients: [], timeoutMs: 20_000, env: undefined, ...more }
}

async function storeOver(script: string, more: Partial<SopsTokenStoreOptions> = {}) {
  const { binary, directory } = await settingsFor(script)
  return { store: createSopsTokenStore({ directory, binary, ...more }), directory, binary }
}

async function callsOf(binary: string): Promise<string[][]> {
  const lines = (await readFile(`${binary}.calls`, 'utf8')).trim().split('\n')
  return lines.map((line) => line.split('|').slice(0, -1))
}

const code = (name: string) => expect.objectContaining({ name: 'TokenStoreError', code: `ERR_TOKEN_STORE_${name}` })
const json = ['--input-type', 'json', '--output-type', 'json', '--filename-override']

describe('the SOPS token store', () => {
  it('[S1-48] [A9] calls the program in its folder, with the file it means and nothing of the entry', async () => {
    const { store, directory, binary } = await storeOver(sealing)
    const entry = entryOf('ümläut')
    await store.set('user', entry)
    expect(await store.get('user')).toEqual(entry)
    expect(await store.get('nobody')).toBeUndefined()
    const names = await readdir(directory)
    expect(names).toContain('.locks')
    const files = names.filter((name) => name.endsWith('.token.sops.json'))
    const file = join(directory, files[0] as string)
    expect(files).toHaveLength(1)
    expect(await readFile(file, 'utf8')).toMatch(/^sealed:\{"data":"/)
    expect(await callsOf(binary)).toEqual([
      [directory, '', 'encrypt', ...json, file],
      [directory, '', 'decrypt', ...json, file],
    ])
    const found: string[] = []
    for await (const key of store.keys()) found.push(key)
    expect(found).toEqual(['user'])
    expect(store.describe()).toEqual({
      ...{ kind: 'sops', atRest: 'encrypted', location: directory, persistent: true },
      timeoutMs: 45_000,
    })
  })

  it('[F14] names the recipients, and reads no .sops.yaml then', async () => {
    const settings = await settingsFor(sealing, { ageRecipients: ['age1a', 'age1b'], env: { GREETING: 'hello' } })
    await sopsEncrypt(settings, 'text', 'file')
    expect(await callsOf(settings.binary)).toEqual([
      [settings.directory, 'hello', '--config', devNull, 'encrypt', '--age', 'age1a,age1b', ...json, 'file'],
    ])
    for (const [ageRecipients, given] of [
      ['age1one', 'age1one'],
      [['age1one', 'age1two'], 'age1one,age1two'],
    ] as const) {
      const { store, binary } = await storeOver(sealing, { ageRecipients, env: {} })
      await store.set('user', entryOf('tokens'))
      expect((await callsOf(binary))[0]?.slice(2, 7)).toEqual(['--config', devNull, 'encrypt', '--age', given])
    }
  })

  it('is looked for as `sops` where no program is named', async () => {
    const { directory } = await settingsFor(sealing)
    const store = createSopsTokenStore({ directory, env: { PATH: `${directory}:/usr/bin:/bin` } })
    const entry = entryOf('tokens')
    await store.set('user', entry)
    expect(await store.get('user')).toEqual(entry)
  })

  it('[S1-48] says what to do where the program does not encrypt', async () => {
    for (const [ageRecipients, cure] of [
      [[], 'Give `ageRecipients`, or a rule of .sops.yaml for *.token.sops.json.'],
      [['age1a'], 'Check `ageRecipients`.'],
    ] as const) {
      const settings = await settingsFor('cat > /dev/null; echo half; exit 7', { ageRecipients })
      await expect(sopsEncrypt(settings, 'text', 'file')).rejects.toMatchObject({
        code: 'ERR_TOKEN_STORE_CONFIGURATION',
        detail: `sops does not encrypt (exit 7). ${cure}`,
      })
    }
  })

  it.each([
    ['exit 128', 'LOCKED', 'sops has no key that opens the entry: see SOPS_AGE_KEY_FILE.'],
    ['echo \'{"data":"text"}\'; exit 1', 'CORRUPT', 'sops does not open the entry (exit 1): it was altered.'],
    ['echo \'{"data":7}\'', 'CORRUPT', 'sops does not open the entry (exit 0): it was altered.'],
    ['echo text', 'CORRUPT', 'sops does not open the entry (exit 0): it was altered.'],
    ['kill -KILL $$', 'CORRUPT', 'sops does not open the entry (exit null): it was altered.'],
  ])('[F15] takes a program that does %s for %s', async (script, name, detail) => {
    const settings = await settingsFor(`cat > /dev/null; ${script}`)
    await expect(sopsDecrypt(settings, 'content', 'file')).rejects.toMatchObject({
      code: `ERR_TOKEN_STORE_${name}`,
      detail,
    })
  })

  it('[S1-48] is judged by its exit code, also where the input does not fit into the pipe', async () => {
    const uncaught = vi.fn()
    process.on('uncaughtExceptionMonitor', uncaught)
    onTestFinished(() => void process.off('uncaughtExceptionMonitor', uncaught))
    const settings = await settingsFor('exit 7')
    await expect(sopsEncrypt(settings, 't'.repeat(4_194_304), 'file')).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_CONFIGURATION',
      detail: expect.stringContaining('exit 7'),
    })
    expect(uncaught).not.toHaveBeenCalled()
  })

  it('[S1-48] does not wait for what the program complains of to be read', async () => {
    const settings = await settingsFor('cat > /dev/null; head -c 1048576 /dev/zero >&2; echo done', { timeoutMs: 5000 })
    expect(await sopsEncrypt(settings, 'text', 'file')).toBe('done\n')
  })

  it('[S1-48] reads 1 MiB of what the program writes, and no more', async () => {
    const writing = async (bytes: number) => {
      const settings = await settingsFor(`cat > /dev/null; head -c ${bytes} /dev/zero`)
      return sopsEncrypt(settings, 'text', 'file')
    }
    expect(await writing(1_048_576)).toHaveLength(1_048_576)
    await expect(writing(1_048_577)).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
      detail: 'sops wrote more than 1048576 bytes.',
    })
  })
})

describe('a sops that does not work', () => {
  const withScript = async (script: string, timeoutMs?: number) => (await storeOver(script, { timeoutMs })).store

  it('[S1-48] is unavailable where the program is missing, and says what to install', async () => {
    const store = createSopsTokenStore({ directory: await temporaryFolder(), binary: 'no-such-sops' })
    const error = await store.set('user', entryOf('tokens')).catch((thrown: Error) => thrown)
    expect(error).toEqual(code('UNAVAILABLE'))
    expect(error).toMatchObject({ retryable: true, detail: expect.stringContaining('install') })
  })

  it('is unavailable where the program cannot be started', async () => {
    const directory = await temporaryFolder()
    const store = createSopsTokenStore({ directory, binary: directory })
    await expect(store.set('user', entryOf('tokens'))).rejects.toMatchObject({
      detail: expect.stringContaining('EACCES'),
    })
  })

  it('outlives a program that ends before it read its input', async () => {
    const store = await withScript('exec 0<&-; sleep 0.2; exit 1')
    await expect(store.set('user', entryOf('t'.repeat(60_000)))).rejects.toEqual(code('CONFIGURATION'))
  })

  it('is unavailable where the program hangs, and ends it', async () => {
    const store = await withScript('exec sleep 600', 50)
    await expect(store.set('user', entryOf('tokens'))).rejects.toMatchObject({
      detail: expect.stringContaining('50 ms'),
    })
  })

  it('[S1-48] reads no more than 1 MiB of what the program writes', async () => {
    const store = await withScript('cat > /dev/null; exec cat /dev/zero')
    await expect(store.set('user', entryOf('tokens'))).rejects.toMatchObject({
      detail: expect.stringContaining('bytes'),
    })
  })

  it('takes no options that cannot be right', () => {
    const directory = '/tmp/somewhere'
    const wrong = [
      {},
      { directory: 'relative' },
      { directory, ageRecipients: '--config=/tmp/x' },
      { directory, ageRecipients: [] },
      { directory, env: 'PATH=/bin' },
      { directory, timeoutMs: 0 },
      { directory, binary: '' },
      { directory, recipients: [] },
    ] as unknown as Parameters<typeof createSopsTokenStore>[0][]
    for (const options of wrong) expect(() => createSopsTokenStore(options)).toThrow(/`/)
    expect(() => createSopsTokenStore({ directory, recipients: [] } as never)).toThrow(
      'createSopsTokenStore has no option `recipients`.',
    )
    const refused = ['xage1abc', 'age1abc --config=/tmp/x', 'age1', [['age1abc']], ['age1abc', '--config=/tmp/x']]
    for (const ageRecipients of refused as string[]) {
      expect(() => createSopsTokenStore({ directory, ageRecipients })).toThrow(
        '`ageRecipients` takes one or more public keys of age, which begin with age1.',
      )
    }
  })
})
