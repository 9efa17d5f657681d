import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CommandIo } from '../../../src/cli/command-io.js'
import { keptTokens, storeOf } from '../../../src/cli/session.js'
import { createTestIssuer } from '../../../src/testing/index.js'
import { type CommandWorld, runInProcess } from '../../support/run-command.js'
import { type UserMachine, userMachine } from '../../support/signed-in-command.js'

let machine: UserMachine | undefined
afterEach(async () => {
  vi.useRealTimers()
  await machine?.close()
  machine = undefined
})

/** A server that never answers, and what a terminal shows after a second of it, until the user ends the command. */
async function shownWhileWaiting(run: (world: CommandWorld) => Promise<unknown>): Promise<string> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const user = new AbortController()
  let shown = ''
  let arrived = () => {}
  const asked = new Promise<void>((resolve) => (arrived = resolve))
  const fetch: CommandIo['fetch'] = () => {
    arrived()
    return new Promise(() => {})
  }
  const work = run({ fetch, isTTY: true, signal: user.signal, onWords: (text) => (shown += text) })
  await asked
  await vi.advanceTimersByTimeAsync(1000)
  const words = shown
  user.abort()
  expect(await work).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('portcullis: interrupted\n') })
  return words
}

describe('a terminal is told what a command waits for', () => {
  const url = 'https://id.example.com'
  const token = createTestIssuer({ issuer: url }).mintToken()

  it.each([
    [['discover', url], {}, 'asking the server …'],
    [['keys', url], {}, 'asking the server …'],
    [['check', '--issuer', url], { env: { PORTCULLIS_TOKEN: token } }, 'asking the issuer …'],
  ])('[S1-71] by %j', async (args, more, words) => {
    expect(await shownWhileWaiting((world) => runInProcess(args, { ...world, ...more }))).toBe(words)
  })

  it.each([
    [['preflight'], 'trying the provider …'],
    [['token', '--refresh'], 'renewing the token …'],
  ])('[S1-71] by %j', async (args, words) => {
    const own = userMachine()
    machine = own
    await own.signIn()
    expect(await shownWhileWaiting((world) => own.run(args, world))).toBe(words)
  })
})

it('[S1-71] whoami tells a terminal that it asks the provider, and can be ended', async () => {
  const own = userMachine()
  machine = own
  const at = (path: string) => `https://id.example.com/${path}`
  const endpoints = { ...{ authorization: at('authorize'), token: at('token') }, userinfo: at('userinfo') }
  const plain = { type: 'oauth2', clientId: 'x', endpoints: { ...endpoints, deviceAuthorization: at('device') } }
  own.configure({ tokenStore: 'file', providers: { plain } })
  own.answers['/token'] = () => Response.json({ access_token: 'opaque', token_type: 'Bearer', expires_in: 300 })
  expect(await own.run(['login', '--device'])).toMatchObject({ exitCode: 0 })
  expect(await shownWhileWaiting((world) => own.run(['whoami'], world))).toBe('asking the provider …')
})

describe('the tokens of a provider', () => {
  it('are none where the account that signed in last is gone from the store', async () => {
    machine = userMachine()
    await machine.signIn()
    const env = { XDG_STATE_HOME: machine.home }
    const store = storeOf('file', { env, platform: 'linux', clock: () => 0 } as never)
    const kept = await keptTokens({ store, name: 'corporate' } as never)
    await store.delete(kept?.key as string)
    expect(await keptTokens({ store, name: 'corporate' } as never)).toBeUndefined()
    expect(await keptTokens({ store, name: 'other' } as never)).toBeUndefined()
  })
})
