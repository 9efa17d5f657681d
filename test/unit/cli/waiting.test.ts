import { connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CommandIo } from '../../../src/cli/command-io.js'
import { keptTokens, storeOf, withUserTokens } from '../../../src/cli/session.js'
import { TokenStoreError } from '../../../src/errors/index.js'
import type { TokenStore } from '../../../src/stores/contract.js'
import { createMemoryTokenStore } from '../../../src/stores/memory/memory-token-store.js'
import { createTestIssuer } from '../../../src/testing/index.js'
import { resourceUrl, simulateNetwork } from '../../support/protected-resource.js'
import { rotatingServer } from '../../support/rotating-server.js'
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
    const config = { provider: () => ({ issuer: 'https://id.example.com', clientId: 'my-app' }) }
    const keptWith = (name: string) => keptTokens({} as never, { store, name, config } as never)
    const kept = await keptWith('corporate')
    await store.delete(kept?.key as string)
    expect(await keptWith('corporate')).toBeUndefined()
    expect(await keptWith('other')).toBeUndefined()
  })
})

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

describe('what is interrupted', () => {
  it.each([
    [['login', '--device']],
    [['fetch', resourceUrl, '--store', 'file']],
    [['mcp', 'login', resourceUrl, '--store', 'file']],
  ])('[S1-71] by %j is no request any more', async (args) => {
    machine = userMachine()
    const user = new AbortController()
    const requests: AbortSignal[] = []
    const fetch: CommandIo['fetch'] = (_, init) => {
      requests.push(init.signal as AbortSignal)
      user.abort()
      return new Promise(() => {})
    }
    expect(await machine.run(args, { fetch, signal: user.signal })).toMatchObject({ exitCode: 2 })
    await vi.waitFor(() => expect(requests.map(({ aborted }) => aborted)).toEqual([true]), 10_000)
  })

  it.each([
    [['login', '--no-browser'], /id\.example\.com/],
    [['fetch', resourceUrl, '--store', 'file', '--no-browser'], /as\.example/],
    [['mcp', 'login', resourceUrl, '--store', 'file', '--no-browser'], /as\.example/],
  ])('[S1-71] by %j listens for the browser no longer', async (args, host) => {
    machine = userMachine()
    const user = new AbortController()
    const { fetch } = simulateNetwork()
    let redirectUri = ''
    const onWords = (text: string) => {
      const [address = ''] = /https:\S+authorize\S+/.exec(text) ?? []
      if (!host.test(address)) return
      redirectUri = new URL(address).searchParams.get('redirect_uri') as string
      user.abort()
    }
    const world = { onWords, signal: user.signal, ...(args[0] === 'login' ? {} : { fetch: fetch as never }) }
    expect(await machine.run(args, world)).toMatchObject({ exitCode: 2 })
    await vi.waitFor(async () => expect(await isListening(Number(new URL(redirectUri).port))).toBe(false), 10_000)
  })
})

describe('the tokens that a command works with', () => {
  it('are kept where the store was away when they were renewed, and the provider is closed', async () => {
    const own = userMachine()
    machine = own
    const clock = () => own.nowMs
    const call = { io: { env: { XDG_STATE_HOME: own.home }, platform: 'linux', clock } } as never
    const server = rotatingServer({ clock })
    const kept = createMemoryTokenStore({ clock })
    let isAway = false
    const store: TokenStore = {
      ...kept,
      async replace(...given) {
        if (isAway) throw new TokenStoreError('ERR_TOKEN_STORE_UNAVAILABLE', 'it is away')
        return kept.replace(...given)
      },
    }
    const close = vi.fn(async () => {})
    const session = { store, name: 'corporate', provider: async () => ({ ...server.provider, close }) } as never
    await withUserTokens(call, session, 'ann', (tokens) => tokens.set(server.signIn()))
    const renewed = await withUserTokens(call, session, 'ann', async (tokens) => {
      server.gate = async () => {
        isAway = true
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }).setTimerTickMode('nextTimerAsync')
      }
      const found = await tokens.getToken({ forceRefresh: true })
      isAway = false
      vi.useRealTimers()
      return found
    })
    expect((await kept.get('ann'))?.tokens).toContain(renewed.refreshToken)
    expect(close).toHaveBeenCalledTimes(2)
  })
})
