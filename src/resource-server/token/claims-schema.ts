import { InvalidTokenError } from '../../errors/index.js'
import { maxJsonDepth } from '../../jws/compact-jws.js'
import { callApplication } from '../../kit/call-application.js'
import { freezeWithin } from '../../kit/json.js'
import type { ClaimsSchema } from '../options/types.js'
import type { VerifiedEntry } from './token-rules.js'

const maxNamedPaths = 5

/**
 * Runs the application's claims schema over the claims of a verified token and puts its output, frozen, in
 * `entry.claims`.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_CLAIM_INVALID`; its detail names the first paths, never a value.
 */
export async function applyClaimsSchema(entry: VerifiedEntry, schema: ClaimsSchema): Promise<void> {
  const result = await callApplication('claims', () => schema['~standard'].validate(entry.tokenClaims))
  if (result.issues !== undefined) {
    const paths = result.issues.slice(0, maxNamedPaths).map(({ path = [] }) => path.map(nameOf).join('.'))
    throw new InvalidTokenError('ERR_TOKEN_CLAIM_INVALID', { detail: `claims schema: ${paths.join(', ')}` })
  }
  freezeWithin(result.value, maxJsonDepth)
  entry.claims = result.value
}

function nameOf(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === 'object' ? part.key : part)
}
