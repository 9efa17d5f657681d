import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { sortTestFiles } from '../support/test-files.js'

const { together, alone, outside } = sortTestFiles(resolve(import.meta.dirname, '../..'))

it('each test file is in one project, by what it and the files it imports say', () => {
  const all = [...together, ...alone, ...outside]
  expect(new Set(all).size).toBe(all.length)
  expect(together).toContain('test/unit/kit/json.test.ts')
  expect(alone).toEqual(
    expect.arrayContaining([
      'test/unit/stores/file-lock.test.ts',
      'test/attacks/ssrf.test.ts',
      'test/package/test-files.test.ts',
    ]),
  )
  expect(outside).toEqual(
    expect.arrayContaining([
      'test/attacks/web-login-chromium.test.ts',
      'test/examples/examples.test.ts',
      'test/integration/user-tokens.test.ts',
      'test/package/tarball.test.ts',
      'test/stores/keyring-token-store.test.ts',
      'test/stores/redis-token-store.test.ts',
      'test/stores/sops-token-store.test.ts',
    ]),
  )
})
