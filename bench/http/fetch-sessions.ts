import { randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type * as adapter from '../../adapters/fetch/index.js'
import { peer } from '../package-under-test.js'
import { createBenchLogin, createProfile, signedInAt } from './session-users.js'

type Handler = (request: Request) => Promise<Response> | Response

/** What answers a page, and what signs a user in. */
interface Sessions {
  readonly page: Handler
  readonly signIn: Handler
}

const contenders: Readonly<Record<string, () => Promise<Sessions>>> = {
  bare: async () => ({
    page: () => Response.json({ ok: true }),
    signIn: () => withCookies([`user=${randomBytes(32).toString('base64url')}`]),
  }),
  'portcullis, stored': () => portcullis('stored'),
  'portcullis, cookies': () => portcullis('cookies'),
  'iron-session': async () => {
    type Session = { user?: object; save(): Promise<void> }
    type Library = { getIronSession(request: Request, response: Response, options: object): Promise<Session> }
    const { getIronSession } = await peer<Library>('iron-session')
    const options = { password: randomBytes(32).toString('hex'), cookieName: 'session' }
    return {
      async page(request) {
        const response = Response.json({ ok: true })
        const session = await getIronSession(request, response, options)
        return session.user === undefined ? new Response(null, { status: 401 }) : response
      },
      async signIn(request) {
        const response = new Response()
        const session = await getIronSession(request, response, options)
        session.user = createProfile()
        await session.save()
        return response
      },
    }
  },
}

async function portcullis(mode: 'stored' | 'cookies'): Promise<Sessions> {
  const { loginRoutes, withLogin } = await peer<typeof adapter>('portcullis/fetch')
  const login = await createBenchLogin(mode)
  const routes = loginRoutes(login)
  const page = withLogin(login, {}, () => Response.json({ ok: true }))
  return {
    page: async (request) => (await routes(request)) ?? page(request),
    signIn: async () => withCookies(await signedInAt(login)),
  }
}

function withCookies(fields: readonly string[]): Response {
  return new Response(null, { headers: fields.map((field): [string, string] => ['Set-Cookie', field]) })
}

/** The same bridge between `node:http` and Fetch for every contender. */
export async function fetchSessions(guard: string): Promise<RequestListener> {
  const sessions = await contenders[guard]?.()
  if (sessions === undefined) throw new Error(`no contender ${guard}`)
  const { page, signIn } = sessions

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const headers = new Headers()
    for (const [name, value] of Object.entries(req.headers)) headers.set(name, String(value))
    const request = new Request(`https://app.example.com${req.url}`, { headers })
    const response = await (req.url === '/sign-in' ? signIn(request) : page(request))
    res.statusCode = response.status
    res.setHeaders(response.headers)
    res.end(await response.text())
  }

  return (req, res) => {
    answer(req, res).catch(() => res.writeHead(500).end())
  }
}
