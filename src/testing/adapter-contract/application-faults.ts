import type { ClaimsSchema, ResourceServerOptions } from '../../index.js'
import { applicationFault, unparsedPath } from './contract-routes.js'
import { bearer, type ContractKit, metadataPath, resource } from './contract-row.js'
import type { ExactRequest } from './http-exchange.js'

/** A mistake of the application, which the framework's own error channel has to get (REAL-26, REAL-45). */
export interface ApplicationFault {
  readonly title: string
  options?(kit: ContractKit): Partial<ResourceServerOptions<ClaimsSchema>>
  request(kit: ContractKit): ExactRequest
  /** Part of the message of the error, or of its cause. */
  readonly reason: string
}

function fail(): never {
  throw applicationFault
}

const hands = '[REAL-26] hands a fault of the application to the error channel of the framework, with its cause'
const ask =
  (path: string) =>
  ({ issuer }: ContractKit) => ({ path, fields: bearer(issuer.mintToken()) })

export const applicationFaults: readonly ApplicationFault[] = [
  {
    title: '[E-14] leaves errors of the handler to the framework',
    request: ask('/throws'),
    reason: 'the handler failed',
  },
  { title: `${hands}: an exception in \`allow\``, request: ask('/faulty'), reason: applicationFault.message },
  { title: `${hands}: a grant without a client`, request: ask('/clientless'), reason: 'holds no client of the issuer' },
  { title: `${hands}: an exception in \`actor\``, request: ask('/actorless'), reason: applicationFault.message },
  {
    title: `${hands}: an exception in the schema of \`claims\``,
    options: () => ({ claims: { '~standard': { version: 1, vendor: 'contract', validate: fail } } }),
    request: ask('/me'),
    reason: applicationFault.message,
  },
  {
    title: `${hands}: an exception in \`tenants\``,
    // `tenants` is asked first: this issuer function never is, and would not fail.
    options: () => ({ issuer: Object, tenants: { has: fail } }),
    request: ask('/me'),
    reason: applicationFault.message,
  },
  {
    title: `${hands}: an exception in the signer of the metadata`,
    options: () => ({ resource: { resource, metadata: { sign: fail } } }),
    request: () => ({ path: metadataPath }),
    reason: applicationFault.message,
  },
  {
    title: '[REAL-45] [REAL-26] takes a form that nothing has parsed for a fault of the application, not for no token',
    options: () => ({ resource: { resource, bearerMethods: ['header', 'body'] } }),
    request: ({ issuer }) => ({
      method: 'POST',
      path: unparsedPath,
      fields: [['Content-Type', 'application/x-www-form-urlencoded']],
      body: `access_token=${issuer.mintToken()}`,
    }),
    reason: 'form',
  },
]
