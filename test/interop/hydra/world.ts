import express from 'express'
import { createResourceServer, type IssuerOptions, type ResourceServer } from 'portcullis'
import { createPkcePair } from 'portcullis/client'
import { hydra as preset } from 'portcullis/providers'
import { requestToken, type TokenResponse } from '../../../examples/support/sign-in.js'
import { type LoopbackServer, listenOnLoopback } from '../../support/loopback-server.js'
import { type Api, openApi } from '../api.js'
import { type Browser, openBrowser } from '../browser.js'
import { type Hydra, startHydra } from './start-hydra.js'

/** What Hydra's token endpoint answers to a user's client. */
export type Tokens = TokenResponse & { readonly id_token?: string }

/** A running Hydra with an application where alice signs in, an API before it, and those who call. */
export interface World {
  readonly hydra: Hydra
  /** Its origin is the resource identifier, and clients may ask for it as audience. */
  readonly orders: Api
  /** A resource server with the preset and nothing else, but for what is given. */
  serverOf(issuer?: Partial<IssuerOptions>): ResourceServer
  /** Tokens of alice by a browser and PKCE. `parameters` are those of the authorization request. */
  browserTokens(clientId: string, parameters?: Readonly<Record<string, string>>, browser?: Browser): Promise<Tokens>
  /** The access token of a client, for the API unless `form` says otherwise. */
  serviceToken(clientId: string, form?: Readonly<Record<string, string>>): Promise<string>
  close(): Promise<void>
}

const redirectUri = 'http://127.0.0.1/callback'

/** Starts Hydra, opens the API, and registers the clients. */
export async function openWorld(folder: string): Promise<World> {
  const orders = await openApi(folder)
  const app = express()
  const consentApp: LoopbackServer = await listenOnLoopback(app)
  const hydra = await startHydra(folder, consentApp.origin)
  signEverybodyInAsAlice(app, hydra)

  const audience = [orders.origin]
  const service = {
    grant_types: ['client_credentials'],
    scope: 'read write',
    audience,
    client_secret: 'service-secret',
  }
  const userApp = (client_id: string) => ({
    client_id,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [redirectUri],
    scope: 'openid offline_access read',
    audience,
    token_endpoint_auth_method: 'none',
    backchannel_logout_uri: `${orders.origin}/${client_id}-logout`,
    backchannel_logout_session_required: true,
  })
  const clients = [
    { ...service, client_id: 'by-basic', token_endpoint_auth_method: 'client_secret_basic' },
    { ...service, client_id: 'by-post', token_endpoint_auth_method: 'client_secret_post' },
    {
      ...service,
      client_id: 'opaque',
      token_endpoint_auth_method: 'client_secret_post',
      access_token_strategy: 'opaque',
    },
    userApp('web'),
    userApp('shop'),
  ]
  for (const client of clients) await hydra.administer('POST', '/clients', client)
  const tokenEndpoint = `${hydra.issuer}/oauth2/token`

  return {
    hydra,
    orders,
    serverOf: (further) =>
      createResourceServer({ resource: orders.origin, issuer: { ...preset({ issuer: hydra.issuer }), ...further } }),
    async browserTokens(clientId, parameters = {}, browser = openBrowser()) {
      const { challenge, verifier } = await createPkcePair()
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        state: 'a-state-of-this-run',
        scope: 'openid offline_access read',
        audience: orders.origin,
        ...parameters,
      })
      const back = await browser.follow(`${hydra.issuer}/oauth2/auth?${query}`, redirectUri)
      const code = back.searchParams.get('code')
      if (code === null) throw new Error(`Hydra refused: ${back.searchParams}`)
      const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, client_id: clientId }
      return requestToken(tokenEndpoint, { ...form, code_verifier: verifier })
    },
    async serviceToken(clientId, form = { audience: orders.origin, scope: 'read' }) {
      const credentials = { client_id: clientId, client_secret: 'service-secret' }
      return (await requestToken(tokenEndpoint, { grant_type: 'client_credentials', ...credentials, ...form }))
        .access_token
    },
    async close() {
      await hydra.stop()
      await consentApp.close()
      await orders.close()
    },
  }
}

/** The login and consent application: it asks nothing, and puts what it grants into the tokens. */
function signEverybodyInAsAlice(app: express.Express, hydra: Hydra): void {
  const requests = '/oauth2/auth/requests'
  const accept = async (kind: string, challenge: unknown, answer: object) => {
    const path = `${requests}/${kind}/accept?${kind}_challenge=${challenge}`
    return (await hydra.administer<{ redirect_to: string }>('PUT', path, answer)).redirect_to
  }
  app.get('/login', async (req, res) => {
    const answer = { subject: 'alice', remember: true, remember_for: 3600, acr: 'silver' }
    res.redirect(await accept('login', req.query['login_challenge'], answer))
  })
  app.get('/consent', async (req, res) => {
    const challenge = req.query['consent_challenge']
    const asked = await hydra.administer<Record<string, unknown>>(
      'GET',
      `${requests}/consent?consent_challenge=${challenge}`,
    )
    const own = { roles: ['reader'], sid: asked['login_session_id'], acr: asked['acr'] }
    const answer = {
      grant_scope: asked['requested_scope'],
      grant_access_token_audience: asked['requested_access_token_audience'],
      session: { access_token: own },
    }
    res.redirect(await accept('consent', challenge, answer))
  })
  app.get('/logout', async (req, res) => res.redirect(await accept('logout', req.query['logout_challenge'], {})))
}
