import type { RequestListener } from 'node:http'
import type Koa from 'koa'
import type { portcullis } from '../../adapters/koa/index.js'
import { peer } from '../package-under-test.js'
import { audience, scope } from '../set-up/issuer.js'
import { limitOf, portcullisServer } from './guards.js'
import type { AppSettings } from './protocol.js'

const pass: Koa.Middleware = (_ctx, next) => next()

const guards: Readonly<Record<string, (settings: AppSettings) => Koa.Middleware | Promise<Koa.Middleware>>> = {
  bare: () => pass,
  limit: (settings) => {
    const verify = limitOf(settings)
    return (ctx, next) => {
      ctx.state['auth'] = verify(ctx.req)
      return next()
    }
  },
  portcullis: async (settings) => {
    const adapter = await peer<{ portcullis: typeof portcullis }>('portcullis/koa')
    return adapter.portcullis(portcullisServer(settings)).requireToken({ scope }) as Koa.Middleware
  },
  'koa-jwt + jwks-rsa': async ({ issuer, jwksUri }) => {
    const { default: koaJwt } = await peer<{ default: (options: unknown) => Koa.Middleware }>('koa-jwt')
    const { koaJwtSecret } = await peer<{ koaJwtSecret: (options: unknown) => unknown }>('jwks-rsa')
    const secret = koaJwtSecret({ jwksUri, cache: true, cacheMaxAge: 3_600_000 })
    return koaJwt({ secret, audience, issuer, algorithms: ['RS256'] })
  },
}

export async function koaApp(settings: AppSettings): Promise<RequestListener> {
  const { default: Application } = await peer<{ default: typeof Koa }>('koa')
  const app = new Application()
  const guard = await guards[settings.guard]?.(settings)
  if (guard === undefined) throw new Error(`no guard ${settings.guard}`)
  app.use(guard)
  app.use((ctx) => {
    ctx.body = { ok: true }
  })
  return app.callback()
}
