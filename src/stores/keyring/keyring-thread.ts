import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { devNull } from 'node:os'
import { Worker } from 'node:worker_threads'
import { TokenStoreError } from '../../errors/index.js'
import { failureCode } from '../../kit/failure-code.js'

/** A call of an entry, as `@napi-rs/keyring` names it. */
export interface KeyringCall {
  readonly method: 'getPassword' | 'setPassword' | 'deleteCredential'
  readonly account: string
  readonly secret?: string | undefined
}

/** Gives what the keyring answers, or rejects with its failure. `signal` ends the wait with its reason, and not the call. */
export type CallKeyring = (call: KeyringCall, signal: AbortSignal) => Promise<unknown>

interface Waiting {
  resolve(answer: unknown): void
  reject(error: Error): void
}

interface Thread {
  readonly call: CallKeyring
  isSpent(): boolean
}

/** On Linux each entry holds a connection to D-Bus until it is collected, which may be never: the thread is ended before. */
const callsPerThread = 100

/** The package waits for D-Bus by `select`, which spins for ever on a file number of 1,024 or more. */
const mostFiles = 1000

/** Given to the thread as text, so that no bundler has to know of a second file. */
const program = `
const { parentPort, workerData } = require('node:worker_threads')
const { AsyncEntry } = require(workerData.path)
parentPort.on('message', async ({ id, method, account, secret }) => {
  try {
    const entry = new AsyncEntry(workerData.service, account, workerData.options)
    const answer = await (secret === undefined ? entry[method]() : entry[method](secret))
    parentPort.postMessage({ id, answer })
  } catch (error) {
    parentPort.postMessage({ id, failure: String(error && error.message) })
  }
})`

/** Calls `@napi-rs/keyring` in a thread of its own, which is started at the first call and replaced after 100. */
export function createKeyringCalls(service: string, linuxStore: 'secret-service' | 'keyutils'): CallKeyring {
  let thread: Thread | undefined
  return async (call, signal) => {
    const path = findPackage()
    if (process.platform === 'linux' && nextFileNumber() >= mostFiles) throw tooManyFiles()
    if (thread === undefined || thread.isSpent()) {
      thread = startThread({ path, service, options: { linux: { store: linuxStore } } })
    }
    return thread.call(call, signal)
  }
}

function startThread(workerData: object): Thread {
  const worker = new Worker(program, { eval: true, execArgv: [], workerData })
  const waiting = new Map<number, Waiting>()
  let calls = 0
  let isEnding = false
  const isSpent = () => isEnding || calls >= callsPerThread

  /** A thread without a call does not keep the process alive. */
  function take(id: number): Waiting | undefined {
    const found = waiting.get(id)
    waiting.delete(id)
    if (waiting.size === 0) worker.unref()
    if (waiting.size === 0 && isSpent()) void worker.terminate()
    return found
  }

  function end(failure: Error): void {
    isEnding = true
    for (const id of waiting.keys()) take(id)?.reject(failure)
  }

  worker.unref()
  // Only loading the package can throw there.
  worker.on('error', (error) => end(cannotBeLoaded(error)))
  worker.on('exit', () => end(new Error('The thread of the keyring ended.')))
  worker.on('message', ({ id, answer, failure }: { id: number; answer: unknown; failure?: string }) => {
    if (failure === undefined) take(id)?.resolve(answer)
    else take(id)?.reject(new Error(failure))
  })
  return {
    isSpent,
    call: (call, signal) =>
      new Promise((resolve, reject) => {
        const id = calls++
        waiting.set(id, { resolve, reject })
        signal.addEventListener('abort', () => {
          isEnding = true
          take(id)?.reject(signal.reason)
        })
        worker.ref()
        worker.postMessage({ id, ...call })
      }),
  }
}

function findPackage(): string {
  try {
    return createRequire(import.meta.url).resolve('@napi-rs/keyring')
  } catch (error) {
    throw cannotBeLoaded(error)
  }
}

function cannotBeLoaded(error: unknown): TokenStoreError {
  const code = failureCode(error)
  return unavailable(`The package @napi-rs/keyring cannot be loaded (${code}): install it beside portcullis.`)
}

/** The lowest that is free, as the next connection gets it. */
function nextFileNumber(): number {
  const file = openSync(devNull, 'r')
  closeSync(file)
  return file
}

function tooManyFiles(): TokenStoreError {
  return unavailable(`A process with more than ${mostFiles} open files and sockets cannot ask the keyring.`)
}

function unavailable(detail: string): TokenStoreError {
  return new TokenStoreError('ERR_TOKEN_STORE_UNAVAILABLE', detail)
}
