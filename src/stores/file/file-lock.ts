import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { sha256Base64url } from '#crypto'
import { type Clock, systemClock } from '../../kit/clock.js'
import { failureCode } from '../../kit/failure-code.js'
import { parseJsonObject } from '../../kit/json.js'
import { anything, checkOptions, func, type Rules } from '../../kit/options.js'
import type { Lease, LockStore } from '../contract.js'
import { answer } from '../token-entry.js'
import { openFolder } from './private-files.js'
import { requiredFolder } from './token-directory.js'

/** Options of {@link createFileLock}. @group Token stores */
export interface FileLockOptions {
  /** The folder of the lock files, the same one for every process. Made with mode 0700. On a local disk. */
  readonly directory: string
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/** Who holds a lock, as its file says. */
interface Holder {
  readonly nonce: string
  readonly pid: number | undefined
  readonly host: string | undefined
  readonly expiresAtMs: number
}

const rules: Rules<FileLockOptions> = { directory: anything, clock: func }

/** How long a file may stay without its content, which is written right after it is made. */
const unfinishedMs = 30_000
/** How long the steps on a held lock may take: a few system calls. */
const stepMs = 30_000
const deepestRight = 3

/**
 * Makes a lock for the processes of one machine: one file per key, made exclusively. A lease ends when its time is over,
 * or at once when its process is gone. What is done to a lock that is held (extend, release, break) needs the exclusive
 * right to do so, which is a lock of the same kind: of several processes that find a dead holder one removes its file.
 *
 * Not for network file systems, and not across machines or containers with clocks of their own. Rejects with a
 * {@link TokenStoreError}.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Token stores
 */
export function createFileLock(options: FileLockOptions): LockStore {
  checkOptions('createFileLock', options, rules)
  const directory = requiredFolder(options.directory)
  const clock = options.clock ?? systemClock
  const here = thisHost()

  function isDead({ pid, host, expiresAtMs }: Holder): boolean {
    return expiresAtMs <= clock() || (host === here && pid !== undefined && !isRunning(pid))
  }

  /** Makes the file; its nonce, or `undefined` where there is one already. */
  function make(path: string, ttlMs: number): string | undefined {
    const nonce = randomBytes(12).toString('base64url')
    const holder: Holder = { nonce, pid: process.pid, host: here, expiresAtMs: Math.ceil(clock() + ttlMs) }
    if (!writeNew(path, JSON.stringify(holder))) return undefined
    return readHolder(path)?.nonce === nonce ? nonce : undefined
  }

  function claim(path: string, ttlMs: number, depth = 0): string | undefined {
    const mine = make(path, ttlMs)
    if (mine !== undefined) return mine
    const holder = readHolder(path)
    if (holder !== undefined && !isDead(holder)) return undefined
    if (holder !== undefined) withRight(path, holder.nonce, depth, (current) => isDead(current) && remove(path))
    return make(path, ttlMs)
  }

  /** Does a step on a lock that is and stays held under `nonce`. False when it is not, or somebody else does one. */
  function withRight<T>(path: string, nonce: string, depth: number, step: (holder: Holder) => T): T | false {
    const right = `${path}.${nonce}`
    if (depth >= deepestRight || claim(right, stepMs, depth + 1) === undefined) return false
    try {
      const holder = readHolder(path)
      return holder?.nonce === nonce && step(holder)
    } finally {
      remove(right)
    }
  }

  function leaseOf(path: string, nonce: string): Lease {
    return {
      extend: (ttlMs) =>
        answer(async () =>
          withRight(path, nonce, 0, (holder) => {
            if (holder.expiresAtMs <= clock()) return false
            const seconds = Math.ceil(clock() + ttlMs) / 1000
            utimesSync(path, seconds, seconds)
            return true
          }),
        ),
      release: () => answer(async () => void withRight(path, nonce, 0, () => remove(path))),
    }
  }

  return Object.freeze<LockStore>({
    acquire: (key, ttlMs) =>
      answer(async () => {
        await openFolder(directory)
        const path = join(directory, `${await sha256Base64url(key)}.lock`)
        const nonce = claim(path, ttlMs)
        return nonce === undefined ? undefined : leaseOf(path, nonce)
      }),
  })
}

/** Names the machine and, on Linux, the space of its process ids: containers may share a name and a folder. */
function thisHost(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return failureCode(error) !== 'ESRCH'
  }
}

/** False where the file is there already. */
function writeNew(path: string, text: string): boolean {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (error) {
    return onCode(error, 'EEXIST', false)
  }
  try {
    writeFileSync(file, text)
    return true
  } catch (error) {
    remove(path)
    throw error
  } finally {
    closeSync(file)
  }
}

/** The holder that the file names. One whose process died before it wrote its name holds for 30 s. */
function readHolder(path: string): Holder | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  } catch (error) {
    return onCode(error, 'ENOENT', undefined)
  }
  try {
    const { mtimeMs, ino } = fstatSync(file)
    const value = parseJsonObject(readFileSync(file, 'utf8'))
    const extendedToMs = Math.round(mtimeMs)
    const { nonce, pid, host, expiresAtMs } = { ...value } as Partial<Holder>
    if (typeof nonce === 'string' && /^[\w-]{16}$/.test(nonce) && typeof expiresAtMs === 'number') {
      return { nonce, pid, host, expiresAtMs: Math.max(expiresAtMs, extendedToMs) }
    }
    return { nonce: `unnamed${ino}`, pid: undefined, host: undefined, expiresAtMs: extendedToMs + unfinishedMs }
  } finally {
    closeSync(file)
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    onCode(error, 'ENOENT', undefined)
  }
}

function onCode<T>(error: unknown, code: string, answer: T): T {
  if (failureCode(error) !== code) throw error
  return answer
}
