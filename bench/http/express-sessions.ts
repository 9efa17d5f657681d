import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type * as express from 'express'
import type * as adapter from '../../adapters/express/index.js'
import { peer } from '../package-under-test.js'
import { createBenchIssuer } from '../set-up/issuer.js'
import { createBenchLogin, createProfile, signedInAt } from './session-users.js'

type Guard = express.RequestHandler

/** Mounts sessions, with `/sign-in`, and says what guards a page. */
const contenders: Readonly<Record<string, (app: express.Express) => Promise<Guard>>> = {
  bare: async (app) => {
    app.get('/sign-in', (_req, res) => void res.cookie('user', randomBytes(32).toString('base64url')).end())
    return (_req, _res, next) => next()
  },
  'portcullis, stored': (app) => portcullis(app, 'stored'),
  'portcullis, cookies': (app) => portcullis(app, 'cookies'),
  'express-session, in memory': async (app) => {
    const { default: session } = await peer<{ default: (options: unknown) => Guard }>('express-session')
    app.use(session({ secret: randomBytes(32).toString('hex'), resave: false, saveUninitialized: false }))
    const sessionOf = (req: express.Request) => (req as unknown as { session: { user?: object } }).session
    app.get('/sign-in', (req, res) => {
      sessionOf(req).user = createProfile()
      res.end()
    })
    return (req, res, next) => (sessionOf(req).user === undefined ? void res.status(401).end() : next())
  },
  'express-openid-connect': async (app) => {
    type Library = { auth(options: unknown): Guard; requiresAuth(): Guard }
    const { default: library } = await peer<{ default: Library }>('express-openid-connect')
    const { auth, requiresAuth } = library
    const issuer = createBenchIssuer()
    const urls = { issuerBaseURL: issuer.issuer, baseURL: 'https://app.example.com' }
    app.use(auth({ ...urls, clientID: 'app', secret: randomBytes(32).toString('hex'), authRequired: false }))
    app.get('/sign-in', (req, res) => {
      const idToken = issuer.mintToken({ ...createProfile(), aud: 'app' }, { algorithm: 'RS256' })
      const { appSession } = req as unknown as { appSession: object }
      const expiresAt = Math.floor(Date.now() / 1000) + 86_400
      Object.assign(appSession, {
        id_token: idToken,
        access_token: 'opaque',
        token_type: 'Bearer',
        expires_at: expiresAt,
      })
      res.end()
    })
    return requiresAuth()
  },
}

async function portcullis(app: express.Express, mode: 'stored' | 'cookies'): Promise<Guard> {
  const { loginRoutes, requireLogin } = await peer<typeof adapter>('portcullis/express')
  const login = await createBenchLogin(mode)
  app.use(loginRoutes(login))
  app.get('/sign-in', (_req, res, next) => {
    signedInAt(login).then((cookies) => void res.setHeader('Set-Cookie', cookies).end(), next)
  })
  return requireLogin(login) as unknown as Guard
}

export async function expressSessions(guard: string): Promise<RequestListener> {
  const { default: createApp } = await peer<{ default: typeof express.default }>('express')
  const app = createApp()
  const handler = await contenders[guard]?.(app)
  if (handler === undefined) throw new Error(`no contender ${guard}`)
  app.get('/me', handler, (_req, res) => void res.json({ ok: true }))
  return app as RequestListener
}
