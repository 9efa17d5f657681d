import { createProvider, github } from 'portcullis/login'
import { setUpWebLogin } from '../support/web-login-set-up.js'

/** A page of a login with two providers, for a user who has signed in. */
export async function loginPage(path: string): Promise<string> {
  const other = createProvider(github({ clientId: 'app', clientSecret: 'never sent' }))
  const { signIn, send, cookies } = setUpWebLogin({}, (own) => [own, other])
  await signIn('/auth/login/corporate')
  if (path.includes('/callback/')) cookies.clear()
  return (await send(path)).body
}
