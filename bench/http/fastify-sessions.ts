import { randomBytes } from 'node:crypto'
import type * as fastify from 'fastify'
import type * as adapter from '../../adapters/fastify/index.js'
import { peer } from '../package-under-test.js'
import { createBenchLogin, createProfile, signedInAt } from './session-users.js'

type App = fastify.FastifyInstance
type Hook = fastify.onRequestHookHandler
type Plugin = { readonly default: fastify.FastifyPluginAsync & { readonly GITHUB_CONFIGURATION?: unknown } }

/** Mounts sessions, with `/sign-in`, and says what guards a page. */
const contenders: Readonly<Record<string, (app: App) => Promise<Hook>>> = {
  bare: async (app) => {
    app.get('/sign-in', (_request, reply) => {
      return reply.header('set-cookie', `user=${randomBytes(32).toString('base64url')}`).send()
    })
    return (_request, _reply, done) => done()
  },
  'portcullis, stored': (app) => portcullis(app, 'stored'),
  'portcullis, cookies': (app) => portcullis(app, 'cookies'),
  '@fastify/secure-session + @fastify/oauth2': async (app) => {
    const { default: secureSession } = await peer<Plugin>('@fastify/secure-session')
    const { default: oauth2 } = await peer<Plugin>('@fastify/oauth2')
    await app.register(secureSession, { key: randomBytes(32), cookie: { path: '/', httpOnly: true } } as never)
    const client = { client: { id: 'app', secret: 'never sent' }, auth: oauth2.GITHUB_CONFIGURATION }
    const paths = { startRedirectPath: '/login', callbackUri: 'https://app.example.com/login/callback' }
    await app.register(oauth2, { name: 'github', credentials: client, ...paths } as never)
    type Session = { get(name: string): unknown; set(name: string, value: unknown): void }
    const sessionOf = (request: fastify.FastifyRequest) => (request as unknown as { session: Session }).session
    app.get('/sign-in', (request, reply) => {
      sessionOf(request).set('user', createProfile())
      return reply.send()
    })
    return (request, reply, done) => {
      if (sessionOf(request).get('user') === undefined) reply.code(401).send()
      else done()
    }
  },
}

async function portcullis(app: App, mode: 'stored' | 'cookies'): Promise<Hook> {
  const { loginRoutes, requireLogin } = await peer<typeof adapter>('portcullis/fastify')
  const login = await createBenchLogin(mode)
  await app.register(loginRoutes(login))
  app.get('/sign-in', async (_request, reply) => reply.header('set-cookie', await signedInAt(login)).send())
  return requireLogin(login) as Hook
}

/** Starts the server and gives its port. */
export async function startFastifySessions(guard: string): Promise<number> {
  const { default: createApp } = await peer<{ default: typeof fastify.fastify }>('fastify')
  const app = createApp() as unknown as App
  const onRequest = await contenders[guard]?.(app)
  if (onRequest === undefined) throw new Error(`no contender ${guard}`)
  app.route({ onRequest, method: 'GET', url: '/me', handler: async () => ({ ok: true }) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as { port: number }).port
}
