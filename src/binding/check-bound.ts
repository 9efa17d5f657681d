import type { Confirmation } from '../auth/auth.js'
import { InvalidTokenError } from '../errors/index.js'
import type { BindingMode } from '../policy/requirement.js'

/**
 * Holds the proven binding of a caller let through before against the modes of a further requirement: what it wants
 * bound must be.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_UNBOUND`
 */
export function checkBound(
  confirmation: Confirmation | undefined,
  modes: { readonly dpop: BindingMode; readonly mtls: BindingMode },
): void {
  if (modes.dpop === 'required' && confirmation?.jkt === undefined) {
    throw new InvalidTokenError('ERR_TOKEN_UNBOUND', { detail: 'no jkt' })
  }
  if (modes.mtls === 'required' && confirmation?.['x5t#S256'] === undefined) {
    throw new InvalidTokenError('ERR_TOKEN_UNBOUND', { detail: 'no x5t#S256' })
  }
}
