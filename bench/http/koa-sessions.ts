import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type Koa from 'koa'
import type * as adapter from '../../adapters/koa/index.js'
import { peer } from '../package-under-test.js'
import { createBenchLogin, signedInAt } from './session-users.js'

/** What guards a page, and the cookies of a user who signs in. */
interface Sessions {
  readonly middleware: readonly Koa.Middleware[]
  signIn(): Promise<string[]> | string[]
}

const contenders: Readonly<Record<string, () => Promise<Sessions>>> = {
  bare: async () => ({ middleware: [], signIn: () => [`user=${randomBytes(32).toString('base64url')}`] }),
  'portcullis, stored': () => portcullis('stored'),
  'portcullis, cookies': () => portcullis('cookies'),
}

async function portcullis(mode: 'stored' | 'cookies'): Promise<Sessions> {
  const { loginRoutes, requireLogin } = await peer<typeof adapter>('portcullis/koa')
  const login = await createBenchLogin(mode)
  const guard = requireLogin(login) as Koa.Middleware
  return { middleware: [loginRoutes(login), guard], signIn: () => signedInAt(login) }
}

export async function koaSessions(guard: string): Promise<RequestListener> {
  const { default: Application } = await peer<{ default: typeof Koa }>('koa')
  const app = new Application()
  const sessions = await contenders[guard]?.()
  if (sessions === undefined) throw new Error(`no contender ${guard}`)
  app.use(async (ctx, next) => {
    if (ctx.path !== '/sign-in') return next()
    ctx.set('Set-Cookie', await sessions.signIn())
    ctx.body = ''
  })
  for (const one of sessions.middleware) app.use(one)
  app.use((ctx) => {
    ctx.body = { ok: true }
  })
  return app.callback()
}
