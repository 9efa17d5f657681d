import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sopsEncrypt } from '../../../src/stores/sops/sops.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

describe('a sops that reads no input', () => {
  it('[S1-48] is judged by its exit code, also where the input does not fit into the pipe', async () => {
    const directory = await temporaryFolder()
    const binary = join(directory, 'sops')
    await writeFile(binary, '#!/bin/sh\nexit 7\n')
    await chmod(binary, 0o700)
    const settings = { binary, directory, ageRecipients: [], timeoutMs: 20_000, env: undefined }
    await expect(sopsEncrypt(settings, 't'.repeat(4_194_304), 'file')).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_CONFIGURATION',
      detail: expect.stringContaining('exit 7'),
    })
  })
})
