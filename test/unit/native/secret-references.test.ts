import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSecretResolvers } from '../../../src/native/secret-references.js'
import type { KeyringCall } from '../../../src/stores/keyring/keyring-thread.js'

/** What the keyring was asked for. */
const asked = vi.hoisted(() => [] as string[])

vi.mock('../../../src/stores/keyring/keyring-thread.js', () => ({
  createKeyringCalls: (service: string, linuxStore: string) => (call: KeyringCall, signal: AbortSignal) => {
    asked.push(`${call.method} ${linuxStore} ${service}/${call.account}`)
    if (call.account !== 'prompt')
      return Promise.resolve(`${service}/${call.account}` === 'my/app/ann' ? 'found' : null)
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  },
}))

let folder: string
beforeEach(() => {
  asked.length = 0
})
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-secrets-'))
})
afterEach(() => {
  vi.useRealTimers()
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** A program that stands for `sops`: it counts its calls and prints `output`. */
function program(output: string, exitCode = 0): string {
  const path = join(folder, `sops-${exitCode}-${output.length}`)
  writeFileSync(
    path,
    `#!/bin/sh\necho x >> '${folder}/calls'\nprintf '%s' '${output}'\necho canary >&2\nexit ${exitCode}\n`,
  )
  chmodSync(path, 0o700)
  return path
}

const resolversWith = (sops: string) => createSecretResolvers({ folder, sops })

describe('createSecretResolvers', () => {
  it('[S1-04] [S1-84] finds variables, private files and entries of the keyring', async () => {
    const { env, file, keyring } = createSecretResolvers({ env: { NAME: 'from-env' }, folder })
    expect([await env?.('NAME'), await env?.('ABSENT')]).toEqual(['from-env', undefined])
    writeFileSync(join(folder, 'secret'), 'from-file\n', { mode: 0o600 })
    expect(await file?.('secret')).toBe('from-file')
    expect(await file?.('absent')).toBeUndefined()
    chmodSync(join(folder, 'secret'), 0o644)
    await expect(file?.('secret')).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_INSECURE' })
    expect(await keyring?.('my/app/ann')).toBe('found')
    expect(await keyring?.('my/app/bob')).toBeUndefined()
  })

  it('[S1-84] asks the Secret Service for an account of a service, and nobody for a reference without a service', async () => {
    const { keyring } = createSecretResolvers({ folder })
    for (const reference of ['nothing', '/ann', 'my/app/ann', 'm/a']) await keyring?.(reference)
    expect(asked).toEqual(['getPassword secret-service my/app/ann', 'getPassword secret-service m/a'])
  })

  it('[S1-84] gives a keyring up after 10 s, which may be asking for its password', async () => {
    vi.useFakeTimers()
    const waiting = expect(createSecretResolvers({ folder })['keyring']?.('my/prompt')).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_LOCKED',
      detail: expect.stringContaining('10000 ms'),
    })
    await vi.advanceTimersByTimeAsync(10_000)
    await waiting
  })

  it('[S1-04] [S1-84] opens a file of sops, picks the member, and remembers it for a minute', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const { sops, env } = resolversWith(program('{"github":{"secret":"s","number":5}}'))
    expect(await env?.('NAME')).toBeUndefined()
    const both = await Promise.all([sops?.('a.yaml#github.secret'), sops?.('a.yaml#github.secret')])
    expect(both).toEqual(['s', 's'])
    expect(await sops?.('a.yaml#github.number')).toBeUndefined()
    expect(await sops?.('a.yaml#github.secret.deeper')).toBeUndefined()
    expect(await sops?.('a.yaml')).toBeUndefined()
    vi.advanceTimersByTime(59_999)
    expect(await sops?.('a.yaml#github.secret')).toBe('s')
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toBe('x\n')
    vi.advanceTimersByTime(1)
    expect(await sops?.('a.yaml#github.secret')).toBe('s')
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toBe('x\nx\n')
  })

  it('[S1-84] runs sops with the file, and with the environment that was given and no other', async () => {
    const path = join(folder, 'sops-that-tells')
    writeFileSync(path, `#!/bin/sh\nprintf '{"args":"%s","env":"%s%s"}' "$*" "$NAME" "$HOME"\n`)
    chmodSync(path, 0o700)
    const { sops } = createSecretResolvers({ folder, sops: path, env: { NAME: 'given' } })
    expect(await sops?.('a b.yaml#args')).toBe(`decrypt --output-type json ${join(folder, 'a b.yaml')}`)
    expect(await sops?.('a b.yaml#env')).toBe('given')
  })

  it('[S1-84] runs the program of that name where none is named', async () => {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    copyFileSync(program('{"x":"of-the-path"}'), join(bin, 'sops'))
    const { sops } = createSecretResolvers({ folder, env: { PATH: bin } })
    expect(await sops?.('a.yaml#x')).toBe('of-the-path')
  })

  it('[S1-84] takes a mebibyte from sops, and no more', async () => {
    const saying = (bytes: number) => {
      const path = join(folder, `sops-of-${bytes}`)
      const padding = bytes - '{"x":"y"}'.length
      writeFileSync(path, `#!/bin/sh\nprintf '{"x":"y"%*s}' ${padding} ''\n`)
      chmodSync(path, 0o700)
      return Promise.resolve(resolversWith(path)['sops']?.('a.yaml#x'))
    }
    expect(await saying(1_048_576)).toBe('y')
    await expect(saying(1_048_577)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
  })

  it('[S1-84] asks sops again after it failed', async () => {
    const path = join(folder, 'sops-that-fails-once')
    writeFileSync(path, `#!/bin/sh\n[ -e '${folder}/healed' ] || exit 1\nprintf '{"x":"y"}'\n`)
    chmodSync(path, 0o700)
    const { sops } = resolversWith(path)
    await expect(sops?.('a.yaml#x')).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
    writeFileSync(join(folder, 'healed'), '')
    expect(await sops?.('a.yaml#x')).toBe('y')
  })

  it('[S1-04] [S1-84] says that sops failed, and nothing of what it said', async () => {
    const programs = [
      [program('', 128), 'does not open'],
      [program('[1]'), 'gave no object'],
      [join(folder, 'absent'), '(ENOENT): is it installed'],
    ] as const
    for (const [path, reason] of programs) {
      const failure = Promise.resolve(resolversWith(path)['sops']?.('a.yaml#x'))
      await expect(failure).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
      await expect(failure).rejects.toThrow(reason)
      await expect(failure).rejects.not.toThrow('canary')
    }
  })
})
