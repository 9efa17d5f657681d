/**
 * A web application whose users sign in at the authorization server. The browser has a cookie; the server has the tokens, and
 * calls the API for its user: a backend for frontend.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { publicClient } from 'portcullis/client'
import { loginRefusals, loginRoutes, optionalLogin, requireLogin } from 'portcullis/express'
import { createLogin, createProvider, type LoginSession } from 'portcullis/login'
import { registerWebClient } from '../support/web-client.js'
import { type Resources, scopes } from './api.js'
import { htmlPage } from './html-page.js'

/** The application, running. */
export interface WebApp {
  readonly url: string
  close(): Promise<void>
}

/** Starts it on a loopback port. It registers itself at the authorization server. */
export async function startWebApp({ resource }: Pick<Resources, 'resource'>, issuer: string): Promise<WebApp> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  const callbacks = [`${url}/auth/callback/demo`]
  const provider = createProvider({
    name: 'demo',
    issuer,
    credential: publicClient({ clientId: await registerWebClient(issuer, { callbacks, afterLogout: `${url}/` }) }),
    scopes: ['openid', 'offline_access', scopes.profile],
    prompt: 'consent',
    resource, // its tokens are for the API
    allowInsecureLoopback: true,
  })
  const login = createLogin({
    baseUrl: url,
    providers: [provider],
    keys: [{ id: 'demo', secret: crypto.getRandomValues(new Uint8Array(32)) }],
    allowInsecureLoopback: true,
  })

  const app = express()
  app.use(loginRoutes(login))
  app.get('/', optionalLogin(login), ({ login }, res) => {
    res.send(htmlPage(login === undefined ? 'Welcome, stranger' : `Welcome, ${login.account.subject}`))
  })
  app.get('/profile', requireLogin(login), ({ login: { account, acr, data } }, res) => {
    res.send(htmlPage('Your session', JSON.stringify({ account, acr, data }, undefined, 2)))
  })
  app.get('/agenda', requireLogin(login), (_req, res) => {
    res.send(htmlPage('Your agenda', '…', 'load'))
  })
  app.get('/load.js', (_req, res) => {
    res
      .type('js')
      .send("fetch('/api/agenda').then((r) => r.text()).then((t) => (document.querySelector('pre').textContent = t))")
  })
  app.get('/api/agenda', requireLogin(login), async (req, res) => {
    res.json(await callApi(req.login, 'agenda'))
  })
  app.get('/keys', requireLogin(login), async (req, res) => {
    res.send(htmlPage('Your keys', JSON.stringify(await callApi(req.login, 'keys'))))
  })
  app.use(loginRefusals(login))
  server.on('request', app)

  /** The API wants a second factor for some routes: then this rejects, and `loginRefusals` has the user sign in again. */
  async function callApi(session: LoginSession, path: string): Promise<unknown> {
    const api = session.fetch({ allowedOrigins: new URL(resource).origin, baseUrl: `${resource}/` })
    const response = await api(path)
    return { status: response.status, answer: await response.json() }
  }

  return {
    url,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await Promise.all([closed, provider.close()])
    },
  }
}
