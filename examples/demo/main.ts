/**
 * A real authorization server, an Express API behind Portcullis, and one step for each thing the gate does.
 *
 *   npm run demo                runs the steps and ends, with exit code 1 if any is not as said
 *   npm run demo -- --serve     starts a web application besides, for you to click through, until Ctrl-C
 *
 * The API speaks plain HTTP: for client certificates (RFC 8705) the steps stand in for a proxy that ends TLS.
 */
import { startAuthorizationServer } from '../support/authorization-server.js'
import { openApi, scopes } from './api.js'
import { createReport } from './report.js'
import { serveDemo } from './serve.js'
import { elsewhere, runSteps } from './steps.js'

const report = createReport()

if (process.argv.includes('--serve')) await serve()
else await run()

async function run(): Promise<void> {
  const api = await openApi()
  const authorizationServer = await startAuthorizationServer({
    resources: {
      ...api.definitions,
      [elsewhere]: { scopes: [scopes.profile] },
    },
  })
  api.trust(authorizationServer.issuer)
  report.line(`authorization server  ${authorizationServer.issuer}  (oidc-provider)`)
  report.line(`API                   ${api.resource}  (Express)`)
  report.line()
  await runSteps(report, api, authorizationServer)
  await Promise.all([api.close(), authorizationServer.close()])
  process.exitCode = report.failed ? 1 : 0
}

async function serve(): Promise<void> {
  const demo = await serveDemo()
  report.line(`Open ${demo.url} in a browser. Ctrl-C ends it.`)
  report.line()
  report.line(`authorization server  ${demo.issuer}  (oidc-provider)`)
  report.line(`API                   ${demo.resource}  (Express)`)
  report.line(`development page      ${demo.developmentPage}`)
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
  await demo.close()
}
