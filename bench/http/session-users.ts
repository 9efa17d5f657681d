import { randomUUID } from 'node:crypto'
import type { Login, LoginResult } from '../../src/login/index.js'
import { peer, requestFacts } from '../package-under-test.js'

type LoginModule = typeof import('../../src/login/index.js')
type ClientModule = typeof import('../../src/client/index.js')

/** What every contender keeps of a user: as much as providers tell. */
export function createProfile() {
  return {
    sub: randomUUID(),
    name: 'Alex Example',
    email: 'alex.example@example.com',
    email_verified: true,
    picture: 'https://login.example.com/pictures/7f3c1b9e52d4',
    locale: 'en',
  }
}

/** The login under measure. Its provider signs in at once whoever comes; everything else is as it ships. */
export async function createBenchLogin(mode: 'stored' | 'cookies'): Promise<Login> {
  const { cookieSessions, createLogin, createProvider, github } = await peer<LoginModule>('portcullis/login')
  const { tokenSetFromResponse } = await peer<ClientModule>('portcullis/client')
  const provider = createProvider(github({ clientId: 'app', clientSecret: 'never sent' }))
  async function redeem(): Promise<LoginResult> {
    const claims = createProfile()
    const account = { issuer: 'https://login.example.com', subject: claims.sub }
    const tokens = tokenSetFromResponse({ access_token: 'opaque', token_type: 'Bearer', expires_in: 86_400 })
    return { account, tokens, claims: claims as unknown as LoginResult['claims'], userInfo: undefined }
  }
  return createLogin({
    baseUrl: 'https://app.example.com',
    providers: [{ ...provider, redeem }],
    keys: [{ id: 'bench', secret: crypto.getRandomValues(new Uint8Array(32)) }],
    limit: false,
    ...(mode === 'cookies' && { sessions: cookieSessions(), tokens: false }),
  })
}

/** The `Set-Cookie` fields of a user who has just signed in. */
export async function signedInAt(login: Login): Promise<string[]> {
  const out = await login.handle(requestFacts({ url: '/auth/login', headers: { accept: 'text/html' } }))
  const state = new URL(String(out?.headers['Location'])).searchParams.get('state')
  const [transaction = ''] = String(out?.headers['Set-Cookie']).split(';')
  const url = `/auth/callback/github?code=code&state=${state}`
  const back = await login.handle(requestFacts({ url, headers: { cookie: transaction } }))
  if (back?.status !== 303) throw new Error(`the login of the bench failed: ${back?.body}`)
  return [back.headers['Set-Cookie'] ?? []].flat()
}
