import type { RequestFacts } from './request-facts.js'

/**
 * Whether a request is a CORS preflight (Fetch §3.3.2), which carries no credentials by design. Adapters let it pass, so
 * that the application's CORS layer may answer it.
 *
 * @group Requests
 */
export function isPreflight(request: RequestFacts): boolean {
  return request.method === 'OPTIONS' && request.headerValues('access-control-request-method').length > 0
}
