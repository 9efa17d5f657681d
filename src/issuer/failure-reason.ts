import { AuthError } from '../errors/index.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'

/** Why a refresh failed, in a word or two for events, logs and health. Holds nothing that was sent or received. */
export function reasonOf(error: unknown): string {
  if (error instanceof FetchFailure) return error.reason
  return error instanceof AuthError ? (error.detail ?? error.code) : 'unexpected'
}
