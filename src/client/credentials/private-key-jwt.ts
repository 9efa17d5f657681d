import type { JWK } from 'jose'
import type { SignatureAlgorithm } from '../../lib/algorithms.js'
import { type Clock, systemClock } from '../../lib/clock.js'
import { ClientConfigurationError, CredentialError } from '../errors.js'
import { assertionFields } from './assertion.js'
import { requireText } from './checks.js'
import type { ClientCredential, CredentialTarget } from './contract.js'
import { createSigner, type Signer, type SigningKey } from './signing-key.js'

/** @group Credentials */
export interface PrivateKeyJwtOptions {
  readonly clientId: string
  /**
   * The first key signs; all are published by {@link jwksDocument}. To rotate: append the new key, wait until servers
   * have fetched it, put it first, drop the old one when its last assertion (60 s) is over.
   */
  readonly keys: readonly SigningKey[]
  /**
   * `aud` by issuer, for servers that still want their token endpoint there. Default: the issuer identifier, as one
   * string (RFC 7523bis), which keeps one server from using an assertion at another.
   */
  readonly audiences?: Readonly<Record<string, string>> | undefined
  /** The `typ` header (RFC 7523bis); `null` leaves it out. Default `client-authentication+jwt`. */
  readonly typ?: string | null | undefined
  /** Lifetime of an assertion. 10 to 300, default 60. */
  readonly lifetimeSeconds?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/** A `private_key_jwt` credential, which can tell its public keys. @group Credentials */
export interface PrivateKeyJwtCredential extends ClientCredential {
  readonly method: 'private_key_jwt'
  readonly clientId: string
  /** The public JWKs of all its keys that have one. */
  publicJwks(): readonly JWK[]
}

/**
 * `private_key_jwt`: a fresh assertion of 60 s with its own `jti` for every attempt (RFC 7523 §2.2 and §3). `alg` is one
 * the key can do and the server's metadata lists.
 *
 * @throws {@link ClientConfigurationError} for keys that cannot sign, or a lifetime out of range.
 * @group Credentials
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): PrivateKeyJwtCredential {
  const {
    clientId,
    audiences = {},
    typ = 'client-authentication+jwt',
    lifetimeSeconds = 60,
    clock = systemClock,
  } = options
  requireText('clientId', clientId)
  const signers = options.keys.map(createSigner)
  const [first] = signers
  if (first === undefined || !(lifetimeSeconds >= 10 && lifetimeSeconds <= 300)) {
    throw new ClientConfigurationError('ERR_CLIENT_CONFIGURATION', {
      message: '`privateKeyJwt` takes at least one key and a `lifetimeSeconds` from 10 to 300.',
    })
  }
  return {
    method: 'private_key_jwt',
    clientId,
    publicJwks: () => signers.flatMap(({ publicJwk }) => publicJwk ?? []),
    async authenticate(target) {
      const header = { alg: chooseAlgorithm(first, target), ...optional('kid', first.kid), ...optional('typ', typ) }
      const iat = Math.floor(clock() / 1000)
      const aud = Object.hasOwn(audiences, target.issuer) ? (audiences[target.issuer] as string) : target.issuer
      const claims = {
        iss: clientId,
        sub: clientId,
        aud,
        iat,
        nbf: iat,
        exp: iat + lifetimeSeconds,
        jti: crypto.randomUUID(),
      }
      return assertionFields(await first.sign(header, claims), clientId)
    },
  }
}

function optional(name: string, value: string | null | undefined): Readonly<Record<string, string>> {
  return value === null || value === undefined ? {} : { [name]: value }
}

/** The first algorithm the key can do that the server lists; the key's first where the server lists none. */
function chooseAlgorithm({ algorithms }: Signer, { signingAlgorithms, issuer }: CredentialTarget): SignatureAlgorithm {
  const chosen = algorithms.find((name) => signingAlgorithms?.includes(name) ?? true)
  if (chosen !== undefined) return chosen
  throw new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', {
    issuer,
    message: 'The signing key has no algorithm that the authorization server lists',
  })
}
