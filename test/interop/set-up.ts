import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { createCertificate } from '../support/certificates.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the servers of this run keep their files: `server.pem` and `server-key.pem` are the certificate of them all. */
    readonly folder: string
  }
}

/** Makes the certificate of all servers of this run, and has the workers trust it, as an operator would. */
export async function setup(project: TestProject): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-interop-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { cert, key } = await createCertificate('localhost')
  await writeFile(join(folder, 'server.pem'), cert)
  await writeFile(join(folder, 'server-key.pem'), key)
  process.env['NODE_EXTRA_CA_CERTS'] = join(folder, 'server.pem')
  project.provide('folder', folder)
}
