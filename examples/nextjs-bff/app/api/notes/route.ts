import { withLogin } from 'portcullis/fetch'
import type { LoginSession } from 'portcullis/login'
import { getLogin, setting } from '../../../lib/login'

/** Calls the API with the user's token, which never leaves this server. */
async function callApi(request: Request, session: LoginSession): Promise<Response> {
  const api = session.fetch({ allowedOrigins: new URL(setting('API')).origin })
  const { status, body } = await api(`${setting('API')}/notes`, { method: request.method })
  return new Response(body, { status, headers: { 'content-type': 'application/json' } })
}

// Without a session: 401, and where to sign in. A DELETE of another site, with the user's cookie: 403.
const answer = (request: Request) => withLogin(getLogin(), {}, callApi)(request)

export { answer as DELETE, answer as GET }
