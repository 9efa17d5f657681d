import { startAuthorizationServer } from '../support/authorization-server.js'
import { openApi } from './api.js'
import { startWebApp } from './web-app.js'

/** The demo for a browser, running. */
export interface ServedDemo {
  /** Where the web application is. */
  readonly url: string
  readonly issuer: string
  /** The development page of the API, with its token. */
  readonly developmentPage: string
  /** The resource identifier of the API. */
  readonly resource: string
  close(): Promise<void>
}

/** Starts an authorization server with a login page, the API, and a web application that calls it for its users. */
export async function serveDemo(): Promise<ServedDemo> {
  let developmentPage = ''
  const api = await openApi((url) => {
    developmentPage = url
  })
  const authorizationServer = await startAuthorizationServer({ resources: api.definitions, login: 'page' })
  const { issuer } = authorizationServer
  api.trust(issuer)
  const app = await startWebApp(api, issuer)
  return {
    url: app.url,
    issuer,
    developmentPage,
    resource: api.resource,
    async close() {
      await Promise.all([app.close(), api.close(), authorizationServer.close()])
    },
  }
}
