import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TokenStoreError } from '../../errors/index.js'
import { failureCode } from '../../kit/failure-code.js'
import { damaged } from '../token-entry.js'

const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_RDONLY, O_WRONLY } = constants
const maxFileBytes = 1_048_576
const othersMay = 0o077
const othersMayWrite = 0o022

interface Facts {
  readonly uid: number
  readonly mode: number
  isFile(): boolean
}

/** The refusal of a place that others can read or change. */
function insecure(detail: string): TokenStoreError {
  return new TokenStoreError('ERR_TOKEN_STORE_INSECURE', detail)
}

/**
 * Makes the folder with mode 0700 where it is missing, and judges one that is there.
 *
 * @throws {@link TokenStoreError} `ERR_TOKEN_STORE_INSECURE` for a folder of another user, or with permissions for others.
 */
export async function openFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  judge(await stat(path), path, 'The folder', '700', othersMay)
}

/**
 * The text of a private file, `undefined` where there is none. A link is followed, and what it leads to is judged.
 *
 * @throws {@link TokenStoreError} `ERR_TOKEN_STORE_INSECURE` for a file that is not this user's alone, and
 * `ERR_TOKEN_STORE_CORRUPT` for one of more than 1 MiB.
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  const target = await targetOf(path)
  const file = await openExisting(target)
  if (file === undefined) return undefined
  try {
    const facts = await file.stat()
    judge(facts, target, 'The file', '600', othersMay)
    if (!facts.isFile()) throw insecure(`${target} is not a file. Remove it.`)
    if (facts.size > maxFileBytes) throw damaged(`A file has more than ${maxFileBytes} bytes.`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/**
 * Puts `text` where the file is, or where its link leads, as a whole or not at all: a crash leaves the old text or the new
 * one. On disk when it resolves. One writer at a time: the caller holds a lock.
 *
 * @throws {@link TokenStoreError} as {@link readPrivateFile} does, for the file that is there already.
 */
export async function writePrivateFile(path: string, text: string, confirm: () => Promise<void>): Promise<void> {
  const target = await targetOf(path)
  await judgeExisting(target)
  const temporary = `${target}.tmp`
  await removeFile(temporary)
  try {
    await withFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, async (file) => {
      await file.chmod(0o600)
      await file.writeFile(text)
      await file.sync()
    })
    await confirm()
    await rename(temporary, target)
  } catch (error) {
    await removeFile(temporary)
    throw error
  }
  await syncFolder(dirname(target))
}

/** Removes a file, what its link leads to where that is this user's own, and what a writer that died left beside it. */
export async function removePrivateFile(path: string): Promise<boolean> {
  const target = await targetOf(path).catch(() => path)
  await removeFile(`${target}.tmp`)
  const wasThere = await removeFile(target)
  const wasLink = target !== path && (await removeFile(path))
  if (wasThere || wasLink) await syncFolder(dirname(path))
  return wasThere || wasLink
}

/** The path itself, or where its link leads. */
async function targetOf(path: string): Promise<string> {
  const facts = await lstat(path).catch(absent)
  if (facts === undefined || !facts.isSymbolicLink()) return path
  const target = await realpath(path).catch(absent)
  if (target === undefined) throw insecure(`The link ${path} leads nowhere. Remove it.`)
  judge(await stat(target), target, 'The file', '600', othersMay)
  const folder = dirname(target)
  judge(await stat(folder), folder, 'The folder', '700', othersMayWrite)
  return target
}

async function judgeExisting(target: string): Promise<void> {
  const facts = await lstat(target).catch(absent)
  if (facts !== undefined) judge(facts, target, 'The file', '600', othersMay)
}

/** On Windows, which has no such owners and modes, the permissions of the profile folder are what protects. */
function judge(facts: Pick<Facts, 'uid' | 'mode'>, path: string, what: string, mode: string, forbidden: number): void {
  const uid = process.geteuid?.()
  if (uid === undefined) return
  if (facts.uid !== uid) throw insecure(`${what} ${path} belongs to another user: chown ${uid} '${path}'`)
  if ((facts.mode & forbidden) !== 0) throw insecure(`${what} ${path} is open to others: chmod ${mode} '${path}'`)
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW)
  } catch (error) {
    if (failureCode(error) === 'ELOOP') throw insecure(`${path} became a link while it was opened.`)
    return absent(error)
  }
}

async function withFile(path: string, flags: number, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await work(file)
  } finally {
    await file.close()
  }
}

/** Makes a rename last. Windows cannot open a folder, some file systems cannot sync one. */
async function syncFolder(path: string): Promise<void> {
  try {
    await withFile(path, O_RDONLY, (folder) => folder.sync())
  } catch (error) {
    if (!['EINVAL', 'EISDIR', 'EPERM'].includes(failureCode(error))) throw error
  }
}

async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    absent(error)
    return false
  }
}

/** `undefined` for an error that says that nothing is there; any other is thrown on. */
function absent(error: unknown): undefined {
  if (failureCode(error) !== 'ENOENT') throw error
  return undefined
}
