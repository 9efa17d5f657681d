import type { AuthScheme, Confirmation } from '../../auth/auth.js'
import { InvalidTokenError, MissingTokenError } from '../../errors/index.js'
import type { BindingMode } from '../policy/requirement.js'

/**
 * Holds what a token is bound to, and the scheme it came by, against the modes of a requirement. A gate asks before it
 * checks possession; a later check of a caller let through before asks again, under the modes of its own requirement.
 * Does NOT check possession.
 *
 * @throws {@link MissingTokenError} for the DPoP scheme where DPoP is off; {@link InvalidTokenError} `ERR_TOKEN_BOUND`
 * for a token bound to a key that came as Bearer, `ERR_TOKEN_UNBOUND` for one without a binding it needs,
 * `ERR_TOKEN_CONFIRMATION` for one bound to a certificate where mTLS is off.
 */
export function checkBound(
  scheme: AuthScheme,
  confirmation: Confirmation | undefined,
  modes: { readonly dpop: BindingMode; readonly mtls: BindingMode },
): void {
  checkDpopMode(scheme, confirmation?.jkt, modes.dpop)
  checkMtlsMode(confirmation?.['x5t#S256'], modes.mtls)
}

function checkDpopMode(scheme: AuthScheme, jkt: string | undefined, mode: BindingMode): void {
  if (scheme === 'DPoP' && mode === 'off') throw new MissingTokenError({ detail: 'DPoP is off' })
  if (jkt !== undefined && scheme !== 'DPoP') throw new InvalidTokenError('ERR_TOKEN_BOUND')
  if (jkt === undefined && (scheme === 'DPoP' || mode === 'required')) {
    throw new InvalidTokenError('ERR_TOKEN_UNBOUND', { detail: 'no jkt' })
  }
}

function checkMtlsMode(thumbprint: string | undefined, mode: BindingMode): void {
  if (thumbprint === undefined && mode === 'required') {
    throw new InvalidTokenError('ERR_TOKEN_UNBOUND', { detail: 'no x5t#S256' })
  }
  if (thumbprint !== undefined && mode === 'off') {
    throw new InvalidTokenError('ERR_TOKEN_CONFIRMATION', { detail: 'mTLS is off' })
  }
}
