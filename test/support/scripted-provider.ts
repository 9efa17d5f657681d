import { tokenSetFromResponse } from '../../src/client/token-set.js'
import type { LoginResult } from '../../src/login/login-result.js'
import type { LoginParams, Provider } from '../../src/login/provider.js'
import type { LoginTransaction } from '../../src/login/transaction.js'

/** Words that must be nowhere but where they belong. */
export const canary = {
  state: 'canary-state-0123456789abcdef0123456789abcdef',
  code: 'canary-code',
  accessToken: 'canary-access-token',
  refreshToken: 'canary-refresh-token',
} as const

/** What a test makes of a provider, and what it was asked. */
export interface ScriptedProvider extends Provider {
  readonly asked: LoginParams[]
  readonly redeemed: URLSearchParams[]
}

/** A provider that asks nobody: `redeem` gives one result, unless the test says otherwise. */
export function scriptedProvider(changes: Partial<Provider> = {}): ScriptedProvider {
  const asked: LoginParams[] = []
  const redeemed: URLSearchParams[] = []
  const provider = {
    name: 'corporate',
    type: 'oidc',
    issuer: 'https://id.test',
    clientId: 'my-app',
    scopes: ['openid', 'profile'],
    asked,
    redeemed,
    async authorizationRequest(params: LoginParams) {
      asked.push(params)
      const url = `https://id.test/authorize?client_id=my-app&state=${canary.state}`
      return { url, transaction: { state: canary.state, redirectUri: params.redirectUri } as LoginTransaction }
    },
    async redeem(callback: URLSearchParams) {
      redeemed.push(callback)
      return loginResult()
    },
    ...changes,
  }
  return provider as unknown as ScriptedProvider
}

/** A login of `user-1` at `https://id.test`. */
export function loginResult(subject = 'user-1'): LoginResult {
  const tokens = tokenSetFromResponse({
    access_token: canary.accessToken,
    token_type: 'Bearer',
    expires_in: 300,
    refresh_token: canary.refreshToken,
  })
  return { tokens, claims: undefined, userInfo: undefined, account: { issuer: 'https://id.test', subject } }
}
