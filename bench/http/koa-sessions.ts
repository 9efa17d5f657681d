import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type Koa from 'koa'
import type * as adapter from '../../adapters/koa/index.js'
import { peer } from '../package-under-test.js'
import { createBenchLogin, createProfile, signedInAt } from './session-users.js'

/** What guards a page, and what signs a user in. */
interface Sessions {
  /** Run for each request. */
  readonly before: readonly Koa.Middleware[]
  readonly guard: Koa.Middleware
  readonly signIn: Koa.Middleware
}

const contenders: Readonly<Record<string, (app: Koa) => Promise<Sessions>>> = {
  bare: async () => ({
    before: [],
    guard: (_ctx, next) => next(),
    signIn: (ctx) => ctx.set('Set-Cookie', `user=${randomBytes(32).toString('base64url')}`),
  }),
  'portcullis, stored': () => portcullis('stored'),
  'portcullis, cookies': () => portcullis('cookies'),
  'koa-session, in memory': async (app) => {
    type Library = { createSession(options: object, app: Koa): Koa.Middleware }
    const { createSession } = await peer<Library>('koa-session')
    app.keys = [randomBytes(32).toString('hex')]
    const store = new Map<string, object>()
    const kept = {
      get: (key: string) => store.get(key),
      set: (key: string, session: object) => void store.set(key, session),
      destroy: (key: string) => void store.delete(key),
    }
    const sessionOf = (ctx: Koa.Context) => ctx['session'] as { user?: object }
    return {
      before: [createSession({ store: kept }, app)],
      guard: (ctx, next) => (sessionOf(ctx).user === undefined ? ctx.throw(401) : next()),
      signIn(ctx) {
        sessionOf(ctx).user = createProfile()
      },
    }
  },
}

async function portcullis(mode: 'stored' | 'cookies'): Promise<Sessions> {
  const { loginRoutes, requireLogin } = await peer<typeof adapter>('portcullis/koa')
  const login = await createBenchLogin(mode)
  const guard = requireLogin(login) as Koa.Middleware
  return {
    before: [loginRoutes(login)],
    guard,
    async signIn(ctx) {
      ctx.set('Set-Cookie', await signedInAt(login))
    },
  }
}

export async function koaSessions(guard: string): Promise<RequestListener> {
  const { default: Application } = await peer<{ default: typeof Koa }>('koa')
  const app = new Application()
  const sessions = await contenders[guard]?.(app)
  if (sessions === undefined) throw new Error(`no contender ${guard}`)
  for (const one of sessions.before) app.use(one)
  app.use(async (ctx, next) => {
    if (ctx.path !== '/sign-in') return next()
    await sessions.signIn(ctx, next)
    ctx.body = ''
  })
  app.use(sessions.guard)
  app.use((ctx) => {
    ctx.body = { ok: true }
  })
  return app.callback()
}
