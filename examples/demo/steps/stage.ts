import type { AuthorizationServer } from '../../support/authorization-server.js'
import type { Api } from '../api.js'
import type { Call } from '../calls.js'
import type { Report } from '../report.js'

/** What every step plays on. */
export interface Stage {
  readonly report: Report
  readonly api: Api
  readonly authorizationServer: AuthorizationServer
  readonly call: Call
}
