import { headers } from 'next/headers'
import { fetchRequestFacts } from 'portcullis/adapter'
import { createLogin, createProvider, type Login, type LoginSession, oidc } from 'portcullis/login'

// Next.js loads this module once for its routes and once for its pages: both have to share one login and its sessions.
const kept = globalThis as typeof globalThis & { login?: Login }

/** The login, made with the first request: the build has no environment. */
export function getLogin(): Login {
  kept.login ??= makeLogin()
  return kept.login
}

function makeLogin(): Login {
  const allowInsecureLoopback = setting('BASE_URL').startsWith('http://localhost') // to try it on your own machine
  const provider = createProvider(
    oidc({
      name: 'example',
      issuer: setting('ISSUER'),
      clientId: setting('CLIENT_ID'),
      clientSecret: setting('CLIENT_SECRET'),
      scopes: ['openid', 'offline_access', 'notes:read'],
      prompt: 'consent', // some servers give a refresh token for nothing less
      resource: setting('API'), // who the access token is for
      allowInsecureLoopback,
    }),
  )
  return createLogin({
    baseUrl: setting('BASE_URL'),
    providers: [provider],
    keys: [{ id: '1', secret: Buffer.from(setting('SESSION_KEY'), 'base64') }],
    allowInsecureLoopback,
    // Sessions are in the memory of this process. For several, or to outlive a restart, give `sessions` and `tokens` in Redis.
  })
}

/** Who signed in, for pages: they have no `Request`. */
export async function currentSession(): Promise<LoginSession | undefined> {
  const fields = await headers() // first: it tells Next.js that the page is made for each request, not by the build
  const request = new Request(setting('BASE_URL'), { headers: fields })
  return getLogin().session(fetchRequestFacts(request))
}

/** A variable of the environment. */
export function setting(name: 'API' | 'BASE_URL' | 'CLIENT_ID' | 'CLIENT_SECRET' | 'ISSUER' | 'SESSION_KEY'): string {
  const value = process.env[name]
  if (!value) throw new Error(`Set ${name}, as the README says.`)
  return value
}
