import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { loadAuthConfig } from '../../../src/native/load-auth-config.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

vi.mock('yaml', () => {
  throw new Error('not installed')
})

it('[S1-03] says which package reads YAML', async () => {
  const cwd = await temporaryFolder()
  writeFileSync(join(cwd, 'portcullis.yml'), 'providers: {}', { mode: 0o600 })
  await expect(loadAuthConfig({ cwd })).rejects.toThrow('install the package yaml beside portcullis')
})
