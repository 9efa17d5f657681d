import { CredentialError } from '../errors.js'

const maxBytes = 64 * 1024

/**
 * Reads the assertion in a file, which platforms rewrite every few minutes: nothing is kept.
 *
 * @throws {@link CredentialError} for a file that is missing, unreadable, larger than 64 KiB or empty.
 */
export async function readAssertionFile(path: string): Promise<string> {
  const { readFile, stat } = await import('node:fs/promises')
  try {
    const { size } = await stat(path)
    if (size > maxBytes) throw unreadable(path, 'is larger than 64 KiB')
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if (error instanceof CredentialError) throw error
    throw unreadable(path, `cannot be read (${(error as { code?: string }).code})`)
  }
}

function unreadable(path: string, why: string): CredentialError {
  return new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', { message: `The assertion file ${path} ${why}` })
}
