import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AccessDeniedError, InternalError } from '../../../src/errors/index.js'
import { callApplication, callAtOnce } from '../../../src/kit/call-application.js'

const fault = new Error('a secret of the application')
const thrownBy = (call: () => unknown): unknown => {
  try {
    return call()
  } catch (error) {
    return error
  }
}

describe('callApplication', () => {
  it('keeps a plain value plain, and waits for anything with a `then`', async () => {
    expect(callApplication('allow', () => 5)).toBe(5)
    // biome-ignore lint/suspicious/noThenProperty: what query builders give
    const query = { then: (resolve: (value: number) => void) => resolve(6) } as PromiseLike<number>
    const answer = callApplication('allow', () => query)
    expect(answer).toBeInstanceOf(Promise)
    expect(await answer).toBe(6)
  })

  it('[REAL-26] wraps what it throws or rejects with, and names the function', async () => {
    const wanted = { name: 'InternalError', cause: fault, callback: 'actor' }
    const thrower = () => {
      throw fault
    }
    expect(thrownBy(() => callApplication('actor', thrower))).toMatchObject(wanted)
    await expect(callApplication('actor', () => Promise.reject(fault))).rejects.toMatchObject(wanted)
  })

  it('throws a copy of a refusal, which belongs to no request', async () => {
    const refusal = new AccessDeniedError()
    const error = await Promise.resolve(callApplication('allow', () => Promise.reject(refusal))).catch(
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(AccessDeniedError)
    expect(error).not.toBe(refusal)
  })
})

describe('callAtOnce', () => {
  it('gives what the function gives', () => {
    expect(callAtOnce('claims', () => true)).toBe(true)
  })

  it('[REAL-26] calls a promise a mistake, and lets nothing go unhandled when it rejects later', async () => {
    const unhandled: unknown[] = []
    const listen = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', listen)
    onTestFinished(() => void process.off('unhandledRejection', listen))
    const error = thrownBy(() => callAtOnce('claims', () => Promise.reject(fault)))
    expect(error).toBeInstanceOf(InternalError)
    expect(error).toMatchObject({ callback: 'claims', cause: expect.any(TypeError) })
    expect((error as InternalError).cause).toMatchObject({ message: expect.stringContaining('`claims`') })
    await setImmediate()
    await setImmediate()
    expect(unhandled).toEqual([])
  })
})
