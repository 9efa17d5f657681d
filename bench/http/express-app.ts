import type { RequestListener } from 'node:http'
import type * as express from 'express'
import type { portcullis } from '../../adapters/express/index.js'
import { peer } from '../package-under-test.js'
import { audience, scope } from '../set-up/issuer.js'
import { joseOf, limitOf, portcullisServer } from './guards.js'
import type { AppSettings } from './protocol.js'

type Guard = express.RequestHandler

const guards: Readonly<
  Record<string, (settings: AppSettings) => Guard | readonly Guard[] | Promise<Guard | readonly Guard[]>>
> = {
  bare: () => [],
  limit: inline,
  portcullis: async (settings) => {
    const adapter = await peer<{ portcullis: typeof portcullis }>('portcullis/express')
    return adapter.portcullis(portcullisServer(settings)).requireToken({ scope })
  },
  'express-oauth2-jwt-bearer': async ({ issuer, jwksUri, dpop }) => {
    const { default: library } = await peer<{ default: Record<string, (options: unknown) => Guard> }>(
      'express-oauth2-jwt-bearer',
    )
    const options = { issuer, jwksUri, audience, tokenSigningAlg: 'RS256', dpop: { enabled: dpop, required: dpop } }
    return [library['auth']?.(options) as Guard, library['requiredScopes']?.(scope) as Guard]
  },
  jose: async (settings) => {
    const verify = await joseOf(settings)
    return (req, _res, next) => {
      verify(req).then((auth) => {
        Object.assign(req, { auth })
        next()
      }, next)
    }
  },
}

function inline(settings: AppSettings): Guard {
  const verify = limitOf(settings)
  return (req, _res, next) => {
    Object.assign(req, { auth: verify(req) })
    next()
  }
}

export async function expressApp(settings: AppSettings): Promise<RequestListener> {
  const { default: createApp } = await peer<{ default: typeof express.default }>('express')
  const app = createApp()
  const guard = await guards[settings.guard]?.(settings)
  if (guard === undefined) throw new Error(`no guard ${settings.guard}`)
  const handler: Guard = (_req, res) => {
    res.json({ ok: true })
  }
  app.get('/me', ...([guard].flat() as Guard[]), handler)
  return app as RequestListener
}
