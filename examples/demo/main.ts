/**
 * A real authorization server, an Express API behind Portcullis, and one step for each thing the gate does.
 *
 *   npm run demo                runs the steps and ends, with exit code 1 if any is not as said
 *   npm run demo -- --serve     leaves both running, with lines to try
 *
 * The API speaks plain HTTP: for client certificates (RFC 8705) the steps stand in for a proxy that ends TLS.
 */
import { startAuthorizationServer } from '../support/authorization-server.js'
import { openApi, scopes } from './api.js'
import { createReport } from './report.js'
import { elsewhere, runSteps } from './steps.js'

const report = createReport()
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

if (process.argv.includes('--serve')) await serve()
await Promise.all([api.close(), authorizationServer.close()])
process.exitCode = report.failed ? 1 : 0

async function serve(): Promise<void> {
  await authorizationServer.restart()
  const { access_token: token } = await authorizationServer.getUserToken({
    resource: api.resource,
    scope: scopes.profile,
    subject: 'alice',
  })
  report.line()
  report.line('Both are running; Ctrl-C ends them. To try:')
  report.line()
  report.line(`TOKEN=${token}`)
  report.line(`curl -i ${api.resource}/me`)
  report.line(`curl -i ${api.resource}/me -H "Authorization: Bearer $TOKEN"`)
  report.line(`curl -i ${api.resource}/reports -X POST -H "Authorization: Bearer $TOKEN"`)
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
}
