import { withFetchHeaders } from '../../src/adapter.js'
import type { Auth } from '../../src/index.js'
import type { AuthHandler, FetchGate, FetchGuard, FetchHandler } from './types.js'

/** A handler behind its guard: what the guard refuses does not reach it, and what it refuses itself is answered. */
export function guardedHandler<Claims, Rest extends unknown[]>(
  guard: FetchGuard<Auth<Claims>>,
  handler: AuthHandler<Auth<Claims>, Rest>,
  refusal: FetchGate['refusal'],
): FetchHandler<Rest> {
  return async (request, ...rest) => {
    const result = await guard(request)
    if (!result.ok) return result.response
    try {
      return withFetchHeaders(await handler(request, result.auth, ...rest), result.headers)
    } catch (error) {
      const response = refusal(error, request, result.headers)
      if (response === undefined) throw error
      return response
    }
  }
}
