import { accepted } from './accepted-rows.js'
import { brokenProofs } from './broken-proof-rows.js'
import { downstream } from './grant-rows.js'
import { faults, insufficient } from './insufficient-rows.js'
import { malformed } from './malformed-rows.js'
import { metadataRows } from './metadata-rows.js'
import { badProofs } from './proof-rows.js'
import type { ContractRow } from './row.js'
import { unusable } from './unusable-rows.js'
import { withoutToken } from './without-token-rows.js'

/** The contract every adapter keeps, on a server with the settings of `test/adapters/contract.ts`. */
export const contractRows: readonly ContractRow[] = [
  ...accepted,
  ...withoutToken,
  ...malformed,
  ...unusable,
  ...insufficient,
  ...badProofs,
  ...brokenProofs,
  ...downstream,
  ...faults,
  ...metadataRows,
]
