import { homedir } from 'node:os'
import { join } from 'node:path'
import { createFileTokenStore, tokenDirectory } from 'portcullis/native'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

describe('tokenDirectory', () => {
  it('[S1-47] is where each platform keeps the state of programs, and reads no environment by itself', () => {
    const [home, set] = [homedir(), { XDG_STATE_HOME: '/state', LOCALAPPDATA: '/local' }]
    vi.stubEnv('XDG_STATE_HOME', '/not-read')
    onTestFinished(() => void vi.unstubAllEnvs())
    const end = join('portcullis', 'tokens')
    expect(tokenDirectory({}, 'linux')).toBe(join(home, '.local/state', end))
    expect(tokenDirectory(set, 'linux')).toBe(join('/state', end))
    expect(tokenDirectory({ XDG_STATE_HOME: 'relative' }, 'linux')).toBe(join(home, '.local/state', end))
    expect(tokenDirectory(set, 'darwin')).toBe(join(home, 'Library/Application Support', end))
    expect(tokenDirectory(set, 'win32')).toBe(join('/local', end))
    expect(tokenDirectory({}, 'win32')).toBe(join(home, 'AppData/Local', end))
    expect(createFileTokenStore().describe().location).toBe(tokenDirectory())
    expect(createFileTokenStore({ directory: '/state' }).describe()).toEqual({
      ...{ kind: 'file', atRest: 'plaintext', location: '/state', persistent: true, timeoutMs: 15_000 },
    })
    expect(() => createFileTokenStore({ directory: 'relative' })).toThrow('`directory` takes an absolute path.')
    expect(() => createFileTokenStore(7 as never)).toThrow('createFileTokenStore must be an object.')
  })
})
