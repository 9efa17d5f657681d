import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { AccessTokenClaims } from '../../auth/auth.js'
import { ConfigurationError, InvalidTokenError } from '../../errors/index.js'
import { maxJsonDepth } from '../../jws/compact-jws.js'
import { callApplication } from '../../kit/call-application.js'
import { freezeWithin } from '../../kit/json.js'
import type { VerifiedEntry } from './read-claims.js'

/** Any Standard Schema validator of claims: zod, valibot, arktype … */
export type ClaimsSchema = StandardSchemaV1<unknown, unknown>

/** The type `auth.claims` has under a claims schema. */
export type ClaimsOf<Schema extends ClaimsSchema | undefined> = Schema extends ClaimsSchema
  ? StandardSchemaV1.InferOutput<Schema>
  : AccessTokenClaims

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

/**
 * Checks that `claims` is a Standard Schema. Does NOT run it.
 *
 * @throws {@link ConfigurationError}
 */
export function checkSchema(schema: ClaimsSchema | undefined): ClaimsSchema | undefined {
  if (schema === undefined || typeof schema?.['~standard']?.validate === 'function') return schema
  throw new ConfigurationError('`claims` takes a Standard Schema, such as one of zod or valibot.')
}
