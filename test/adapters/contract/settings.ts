import type { ClaimsSchema, ResourceServerOptions } from 'portcullis'
import type { TestIssuer } from 'portcullis/testing'
import { certificateSettings } from './certificate-rows.js'
import { opaqueSettings } from './opaque-rows.js'
import { policySettings } from './policy-rows.js'
import type { ContractRow } from './row.js'

/** Rows for a server with settings of its own. The application is the same. */
export interface ContractSettings {
  /** Ends the sentence "… on a server that". */
  readonly name: string
  /** What the server has beside the settings of `test/adapters/contract.ts`. */
  options(issuer: TestIssuer): Partial<ResourceServerOptions<ClaimsSchema>>
  readonly rows: readonly ContractRow[]
}

export const contractSettings: readonly ContractSettings[] = [opaqueSettings, certificateSettings, policySettings]
