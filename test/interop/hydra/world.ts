import express from 'express'
import { createResourceServer, type IssuerOptions, type ResourceServer } from 'portcullis'
import {
  createOAuthClient,
  type IdentifiedTokens,
  type OAuthClient,
  publicClient,
  type TokenSet,
} from 'portcullis/client'
import { hydra as preset } from 'portcullis/providers'
import { requestToken } from '../../../examples/support/sign-in.js'
import { type LoopbackServer, listenOnLoopback } from '../../support/loopback-server.js'
import { type Api, openApi } from '../api.js'
import { type LoginRequest, logIn, redirectUri } from '../login.js'
import { type Hydra, startHydra } from './start-hydra.js'

/** A running Hydra with an application where alice signs in, an API before it, and those who call. */
export interface World {
  readonly hydra: Hydra
  /** Its origin is the resource identifier, and clients may ask for it as audience. */
  readonly orders: Api
  /** A resource server with the preset and nothing else, but for what is given. */
  serverOf(issuer?: Partial<IssuerOptions>): ResourceServer
  /** A client of this library: a public one of that name. */
  clientOf(clientId: string): OAuthClient
  /** A login of alice that asks for a token of the API. */
  logIn(client: OAuthClient, request?: LoginRequest): Promise<IdentifiedTokens>
  /** Tokens of alice by a browser. */
  browserTokens(clientId: string, request?: LoginRequest): Promise<TokenSet>
  /** The access token of a client, for the API unless `form` says otherwise. */
  serviceToken(clientId: string, form?: Readonly<Record<string, string>>): Promise<string>
  close(): Promise<void>
}

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
    post_logout_redirect_uris: ['http://127.0.0.1/goodbye'],
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
  const clientOf: World['clientOf'] = (clientId) =>
    createOAuthClient({ issuer: hydra.issuer, credential: publicClient({ clientId }), retry: false })
  const logInFor: World['logIn'] = (client, request) =>
    logIn(client, { scope: 'openid offline_access read', audience: orders.origin, ...request })
  const tokenEndpoint = `${hydra.issuer}/oauth2/token`

  return {
    hydra,
    orders,
    serverOf: (further) =>
      createResourceServer({ resource: orders.origin, issuer: { ...preset({ issuer: hydra.issuer }), ...further } }),
    clientOf,
    logIn: logInFor,
    browserTokens: async (clientId, request) => (await logInFor(clientOf(clientId), request)).tokens,
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
      remember: true,
    }
    res.redirect(await accept('consent', challenge, answer))
  })
  app.get('/logout', async (req, res) => res.redirect(await accept('logout', req.query['logout_challenge'], {})))
}
