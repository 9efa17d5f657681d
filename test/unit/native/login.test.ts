import { describe, expect, it } from 'vitest'
import { ClientCallError } from '../../../src/client/errors.js'
import { LoginDeniedError, LoginTimeoutError } from '../../../src/client/login-errors.js'
import { ConfigurationError } from '../../../src/errors/index.js'
import type { Provider } from '../../../src/login/provider.js'
import { type DeviceCode, deviceLogin } from '../../../src/native/device-login.js'
import { type LoginOptions, login } from '../../../src/native/login.js'
import { manualLogin } from '../../../src/native/manual-login.js'
import { LoopbackError } from '../../../src/native/native-errors.js'
import {
  accountKey,
  defaultAccountKey,
  forgetDefaultAccount,
  type LoginState,
} from '../../../src/native/native-login.js'
import { createMemoryTokenStore } from '../../../src/stores/memory/memory-token-store.js'
import { canary, loginResult, scriptedProvider } from '../../support/scripted-provider.js'

const redirectUri = 'https://app.example.com/signed-in'
const answer = `${redirectUri}?code=${canary.code}&state=${canary.state}`

describe('manualLogin', () => {
  it('[S2-01] [S2-06] shows the URL and takes the address that the user pastes', async () => {
    const provider = scriptedProvider()
    const states: LoginState[] = []
    const shown: string[] = []
    const prompt = async (url: string) => {
      shown.push(url)
      return ` ${answer}\n`
    }
    const onStateChange = (state: LoginState) => void states.push(state)
    const result = await manualLogin(provider, { redirectUri, prompt, onStateChange, scopes: ['openid'] })
    expect(result.account.subject).toBe('user-1')
    expect(shown).toEqual([`https://id.test/authorize?client_id=my-app&state=${canary.state}`])
    expect(provider.asked).toEqual([{ redirectUri, scopes: ['openid'] }])
    expect(provider.redeemed[0]?.get('state')).toBe(canary.state)
    expect(states).toEqual(['pending', 'in_progress', 'redeeming', 'completed'])
  })

  const query = `code=${canary.code}&state=${canary.state}`
  it.each([`?${query}`, query, ` ?${query}\n`])('[S2-08] takes the query alone: %s', async (pasted) => {
    const provider = scriptedProvider()
    await manualLogin(provider, { redirectUri, prompt: async () => pasted })
    expect(Object.fromEntries(provider.redeemed[0] as URLSearchParams)).toEqual({
      code: canary.code,
      state: canary.state,
    })
  })

  it('[S2-08] takes an address of 8192 characters', async () => {
    const provider = scriptedProvider()
    await manualLogin(provider, { redirectUri, prompt: async () => answer.padEnd(8192, 'x') })
    expect(provider.redeemed[0]?.get('code')).toBe(canary.code)
  })

  it.each(['', '   ', canary.code, 'two words', 'two code=x', 'code=x y', '=x', answer.padEnd(8193, 'x')])(
    '[S2-08] takes no %s, and says what to paste',
    async (pasted) => {
      const provider = scriptedProvider()
      const failure = manualLogin(provider, { redirectUri, prompt: async () => pasted })
      await expect(failure).rejects.toMatchObject({ code: 'ERR_LOGIN_RESPONSE', operation: 'login' })
      await expect(failure).rejects.not.toThrow(canary.code)
      await expect(failure).rejects.toThrow('copy all of it, with `code` and `state`')
      expect(provider.redeemed).toEqual([])
    },
  )

  it('[S2-08] takes a code alone only where that is allowed by name', async () => {
    const provider = scriptedProvider()
    const taking = (pasted: string) =>
      manualLogin(provider, { redirectUri, prompt: async () => pasted, acceptBareCode: true })
    await taking(canary.code)
    expect(Object.fromEntries(provider.redeemed[0] as URLSearchParams)).toEqual({
      code: canary.code,
      state: canary.state,
    })
    for (const pasted of ['two words', 'two\twords', 'cödé', '']) {
      await expect(taking(pasted)).rejects.toMatchObject({ code: 'ERR_LOGIN_RESPONSE' })
    }
    expect(provider.redeemed).toHaveLength(1)
  })

  it('[S2-11] stops waiting for the user when the application gives up', async () => {
    const controller = new AbortController()
    const failure = manualLogin(scriptedProvider(), {
      redirectUri,
      signal: controller.signal,
      prompt: () => {
        controller.abort()
        return new Promise(() => {})
      },
    })
    await expect(failure).rejects.toMatchObject({ code: 'ERR_LOGIN_CANCELLED', operation: 'login' })
  })

  it.each([{ redirectUri }, { prompt: async () => answer }, { redirectUri, prompt: async () => answer, stat: 1 }])(
    'refuses the options %j, and names whose they are',
    async (options) => {
      const failure = manualLogin(scriptedProvider(), options as never)
      await expect(failure).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
      await expect(failure).rejects.toThrow(/`redirectUri`|`prompt`|^manualLogin has no option `stat`/)
    },
  )
})

const code: DeviceCode = {
  userCode: 'WDJB-MJHT',
  verificationUri: 'https://id.test/device',
  verificationUriComplete: undefined,
  expiresAt: 1_800_000_600,
}

function deviceProvider(poll: (options: unknown) => Promise<unknown> = async () => loginResult()) {
  const asked: unknown[] = []
  const deviceAuthorization = async (params: unknown) => {
    asked.push(params)
    return { ...code, intervalSeconds: 5, deviceCode: 'canary-device', poll }
  }
  return { asked, provider: scriptedProvider({ deviceAuthorization } as unknown as Partial<Provider>) }
}

describe('deviceLogin', () => {
  it('[S2-01] shows the code and waits for the user', async () => {
    const { asked, provider } = deviceProvider()
    const shown: DeviceCode[] = []
    const states: LoginState[] = []
    const result = await deviceLogin(provider, {
      onCode: (given) => void shown.push(given),
      onStateChange: (state) => void states.push(state),
    })
    expect(shown).toEqual([code])
    expect(JSON.stringify(shown)).not.toContain('canary')
    expect(asked).toEqual([{ scopes: undefined }])
    expect(result.key).toBe(await accountKey('corporate', { issuer: 'https://id.test', subject: 'user-1' }))
    expect(states).toEqual(['pending', 'in_progress', 'completed'])
    await deviceLogin(provider, { onCode: () => {}, scopes: ['email'] })
    expect(asked[1]).toEqual({ scopes: ['email'] })
  })

  it.each([
    [new LoginTimeoutError('ERR_LOGIN_TIMEOUT'), 'timed_out'],
    [new LoginDeniedError('ERR_LOGIN_DENIED', { error: 'access_denied' }), 'failed'],
  ])('[S2-06] tells %s as %s', async (error, state) => {
    const states: LoginState[] = []
    const { provider } = deviceProvider(() => Promise.reject(error))
    const options = { onCode: () => {}, onStateChange: (next: LoginState) => void states.push(next) }
    await expect(deviceLogin(provider, options)).rejects.toBe(error)
    expect(states.at(-1)).toBe(state)
  })

  it('[S2-11] stops asking when the application gives up', async () => {
    const controller = new AbortController()
    const polled: unknown[] = []
    const { provider } = deviceProvider((options) => {
      polled.push(options)
      controller.abort()
      return new Promise(() => {})
    })
    const failure = deviceLogin(provider, { onCode: () => {}, signal: controller.signal })
    await expect(failure).rejects.toMatchObject({ code: 'ERR_LOGIN_CANCELLED' })
    expect(polled).toEqual([{ signal: controller.signal }])
  })

  it.each([{}, { onCode: 5 }, { onCode: () => {}, scope: 'x' }])('refuses the options %j', async (options) => {
    const failure = deviceLogin(deviceProvider().provider, options as never)
    await expect(failure).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
    await expect(failure).rejects.toThrow(/`onCode`|^deviceLogin has no option `scope`/)
  })
})

describe('login', () => {
  const prompt = async () => answer
  const noDevice = {
    deviceAuthorization: () => Promise.reject(new ClientCallError('ERR_ENDPOINT_MISSING')),
  } as Partial<Provider>

  /** Which way a login took. */
  async function wayOf(options: LoginOptions, provider = deviceProvider().provider): Promise<string> {
    const ways: string[] = []
    const openBrowser = (url: string) => {
      ways.push('loopback')
      void fetch(url, { redirect: 'manual' }).then(() =>
        fetch(`${provider.asked[0]?.redirectUri}?code=x&state=${canary.state}`),
      )
    }
    const pasting = async () => {
      ways.push('manual')
      return answer
    }
    await login(provider, {
      ...(options.openBrowser === undefined ? { openBrowser } : {}),
      ...options,
      ...(options.onCode === undefined ? {} : { onCode: () => void ways.push('device') }),
      ...(options.prompt === undefined ? {} : { prompt: pasting }),
    })
    return ways.join()
  }

  it('[S2-10] takes the browser where one opens, else the device, else the address that is pasted', async () => {
    const all = { onCode: () => {}, prompt, redirectUri }
    const remote = { browser: { env: { SSH_CONNECTION: '1' } }, openBrowser: 'auto' } as const
    expect(await wayOf(all)).toBe('loopback')
    expect(await wayOf({ ...all, mode: 'auto' })).toBe('loopback')
    expect(await wayOf({ ...all, ...remote })).toBe('device')
    expect(await wayOf({ ...all, openBrowser: false })).toBe('device')
    expect(await wayOf({ prompt, redirectUri, ...remote })).toBe('manual')
    expect(await wayOf({ ...all, ...remote }, scriptedProvider(noDevice))).toBe('manual')
  })

  it('[S2-10] takes the way that is named, and no other', async () => {
    const all = { onCode: () => {}, prompt, redirectUri }
    expect(await wayOf({ ...all, mode: 'loopback' })).toBe('loopback')
    expect(await wayOf({ ...all, mode: 'device' })).toBe('device')
    expect(await wayOf({ ...all, mode: 'manual' })).toBe('manual')
    await expect(login(scriptedProvider(noDevice), { mode: 'device', onCode: () => {} })).rejects.toMatchObject({
      code: 'ERR_ENDPOINT_MISSING',
    })
    await expect(login(scriptedProvider(), { mode: 'device' })).rejects.toThrow('takes `onCode`')
    await expect(login(scriptedProvider(), { mode: 'manual' })).rejects.toThrow('takes `redirectUri` and `prompt`')
    for (const half of [{ redirectUri }, { prompt }]) {
      const failure = login(scriptedProvider(), { mode: 'manual', ...half })
      await expect(failure).rejects.toBeInstanceOf(ConfigurationError)
      await expect(failure).rejects.toThrow('A manual login takes `redirectUri` and `prompt`')
    }
    await expect(login(scriptedProvider(), { mode: 'window' as never })).rejects.toThrow(ConfigurationError)
    await expect(login(scriptedProvider(), { mod: 'manual' } as never)).rejects.toThrow('login has no option `mod`')
  })

  it.each(['device', 'manual'] as const)('[S2-10] gives a login by %s what every login takes', async (mode) => {
    const { provider, asked } = deviceProvider()
    const states: LoginState[] = []
    const common = {
      store: createMemoryTokenStore(),
      scopes: ['email'],
      clock: () => 1_800_000_000_000,
      onStateChange: (state: LoginState) => void states.push(state),
    }
    const { key } = await login(provider, { mode, ...common, onCode: () => {}, prompt, redirectUri })
    expect([...asked, ...provider.asked]).toMatchObject([{ scopes: ['email'] }])
    expect(await common.store.get(key)).toMatchObject({ savedAt: 1_800_000_000 })
    expect(await common.store.get('corporate:default')).toMatchObject({ savedAt: 1_800_000_000 })
    expect(states.at(-1)).toBe('completed')
    const given = { mode, onCode: () => {}, prompt, redirectUri, signal: AbortSignal.abort() }
    await expect(login(provider, given)).rejects.toMatchObject({ code: 'ERR_LOGIN_CANCELLED' })
  })

  it('[S2-10] opens no browser by itself where none can be expected to show, and tries the last way once', async () => {
    const started: string[] = []
    const start = async (program: string) => {
      started.push(program)
      return true
    }
    const browser = { env: { SSH_CONNECTION: '1' }, start }
    const { provider, asked } = deviceProvider()
    await login(provider, { browser, onCode: () => {} })
    expect([asked.length, started]).toEqual([1, []])
    let count = 0
    const deviceAuthorization = () => {
      count += 1
      return Promise.reject(new ClientCallError('ERR_ENDPOINT_MISSING'))
    }
    const failure = login(scriptedProvider({ deviceAuthorization }), { browser, onCode: () => {} })
    await expect(failure).rejects.toMatchObject({ code: 'ERR_ENDPOINT_MISSING' })
    expect(count).toBe(1)
  })

  it('[S2-10] goes on to the next way where no port is free, and ends where a login was refused', async () => {
    const unavailable = scriptedProvider({
      authorizationRequest: () => Promise.reject(new LoopbackError('ERR_LOOPBACK_UNAVAILABLE', 'taken')),
      deviceAuthorization: deviceProvider().provider.deviceAuthorization,
    })
    expect(await wayOf({ onCode: () => {} }, unavailable)).toBe('device')
    const denied = new LoginDeniedError('ERR_LOGIN_DENIED', { error: 'access_denied' })
    const { provider } = deviceProvider(() => Promise.reject(denied))
    const options = { openBrowser: false, onCode: () => {}, prompt, redirectUri } as const
    await expect(login(provider, options)).rejects.toBe(denied)
    await expect(login(scriptedProvider(), { openBrowser: false })).rejects.toThrow('No browser can be opened here')
  })
})

describe('the account that is meant where none is named', () => {
  it('[S2-02] is the one that signed in last, until it is forgotten', async () => {
    const store = createMemoryTokenStore()
    expect(await defaultAccountKey(store, 'corporate')).toBeUndefined()
    const { key } = await manualLogin(scriptedProvider(), { redirectUri, prompt: async () => answer, store })
    expect(await defaultAccountKey(store, 'corporate')).toBe(key)
    const other = scriptedProvider({ redeem: async () => loginResult('user-2') })
    const second = await manualLogin(other, { redirectUri, prompt: async () => answer, store })
    expect(second.key).not.toBe(key)
    expect(await defaultAccountKey(store, 'corporate')).toBe(second.key)
    await forgetDefaultAccount(store, 'corporate')
    expect(await defaultAccountKey(store, 'corporate')).toBeUndefined()
    for (const tokens of ['{"key":5}', '{}', 'nonsense', 'null']) {
      await store.set('corporate:default', { v: 1, version: 'x', tokens, savedAt: 0 })
      expect(await defaultAccountKey(store, 'corporate')).toBeUndefined()
    }
  })
})
