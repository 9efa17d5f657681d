/*
 * Userinfo as a JWT (OpenID Connect Core §5.3.2). Does not compare `sub` with that of the ID token.
 */
import { type JsonObject, ownMember } from '../kit/json.js'
import { type IdTokenSettings, verifySigned } from './id-token.js'
import { IdTokenError, LoginError } from './login-errors.js'

/**
 * Verifies signed userinfo by the keys of the server, decrypted first where it is encrypted to this client: signature,
 * and `iss`, `aud` and `exp` where they are there, for they need not be.
 *
 * @throws {@link LoginError} `ERR_USERINFO_INVALID`; `DiscoveryError` while the keys cannot be had.
 */
export async function readSignedUserInfo(text: string, settings: IdTokenSettings): Promise<JsonObject> {
  const { payload } = await verifySigned(text, settings, 'userinfo_signing_alg_values_supported').catch(
    (error: unknown) => {
      throw error instanceof IdTokenError ? invalid(error.detail) : error
    },
  )
  if (Object.hasOwn(payload, 'iss') && !settings.isIssuer(payload)) throw invalid('`iss` is not the issuer')
  if (!isFor(payload, settings.clientId)) throw invalid('`aud` does not name this client')
  if (isOver(payload, settings)) throw invalid('`exp` is past')
  return payload
}

function invalid(detail: string | undefined): LoginError {
  return new LoginError('ERR_USERINFO_INVALID', { detail })
}

function isFor(claims: JsonObject, clientId: string): boolean {
  if (!Object.hasOwn(claims, 'aud')) return true
  return [ownMember(claims, 'aud')].flat().includes(clientId)
}

function isOver(claims: JsonObject, { options, nowMs }: IdTokenSettings): boolean {
  if (!Object.hasOwn(claims, 'exp')) return false
  const exp = ownMember(claims, 'exp')
  return !(typeof exp === 'number' && exp > nowMs / 1000 - (options.clockToleranceSeconds ?? 60))
}
