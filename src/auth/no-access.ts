import { ResourceAccessError } from '../errors/index.js'
import type { AccessContext } from './access-context.js'

function notDeclared(resource: string): ResourceAccessError {
  return new ResourceAccessError(resource, 'ERR_GRANT_MISSING', { detail: 'the route declares no grant' })
}

/** The access context of a request whose route declares no grant: it holds nothing and refuses everything. */
export const noAccess: AccessContext = Object.freeze({
  status: 'success',
  declared: [],
  get errors() {
    return new Map()
  },
  succeeded: [],
  failed: [],
  has: () => false,
  token(resource: string): never {
    throw notDeclared(resource)
  },
  acquire: (resource: string) => Promise.reject(notDeclared(resource)),
  fetch(resource: string): never {
    throw notDeclared(resource)
  },
})
