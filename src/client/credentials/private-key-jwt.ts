/*
 * The `private_key_jwt` credential (RFC 7523 §2.2): assertions signed by a key of this client.
 */
import type { JWK } from 'jose'
import type { SignatureAlgorithm } from '../../jws/algorithms.js'
import { type Clock, systemClock } from '../../kit/clock.js'
import { isJsonObject, isStringArray } from '../../kit/json.js'
import { checkOptions, func, integer, type Rules, required, takes, text } from '../../kit/options.js'
import { CredentialError } from '../errors.js'
import type { ClientCredential, CredentialTarget } from './client-credential.js'
import { assertionFields } from './client-credential.js'
import { createSigner, type Signer, type SigningKey } from './signer.js'

/**
 * The `aud` of assertions for one server: its issuer identifier; its token endpoint, at whatever endpoint the assertion is
 * used (the endpoint itself where the token endpoint is not known); a URI; or a list of URIs, sent as a list.
 *
 * @group Credentials
 */
export type AssertionAudience = 'issuer' | 'token_endpoint' | (string & {}) | readonly string[]

/** @group Credentials */
export interface PrivateKeyJwtOptions {
  readonly clientId: string
  /**
   * The first key signs; all are published by {@link jwksDocument}. To rotate: append the new key, wait until servers
   * have fetched it, put it first, drop the old one when its last assertion (60 s) is over.
   */
  readonly keys: readonly SigningKey[]
  /**
   * `aud` by issuer identifier, for servers that want something else there. Default `issuer` for each: the issuer
   * identifier as one string (RFC 7523bis), which keeps one server from using an assertion at another.
   */
  readonly audiences?: Readonly<Record<string, AssertionAudience>> | undefined
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
 * @throws `ConfigurationError` for keys that cannot sign, and options of a wrong shape.
 * @group Credentials
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): PrivateKeyJwtCredential {
  checkOptions('privateKeyJwt', options, rules)
  const {
    clientId,
    audiences = {},
    typ = 'client-authentication+jwt',
    lifetimeSeconds = 60,
    clock = systemClock,
  } = options
  const signers = options.keys.map(createSigner)
  const [first] = signers as [Signer]
  return {
    method: 'private_key_jwt',
    clientId,
    publicJwks: () => signers.flatMap(({ publicJwk }) => publicJwk ?? []),
    async authenticate(target) {
      const header = { alg: chooseAlgorithm(first, target), ...optional('kid', first.kid), ...optional('typ', typ) }
      const iat = Math.floor(clock() / 1000)
      const aud = audienceOf(Object.hasOwn(audiences, target.issuer) ? audiences[target.issuer] : 'issuer', target)
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

const isAudience = (value: unknown): boolean =>
  value === 'issuer' ||
  value === 'token_endpoint' ||
  (typeof value === 'string' && URL.canParse(value)) ||
  (isStringArray(value) && value.length > 0 && value.every((item) => URL.canParse(item)))

const isAudiences = (value: unknown): boolean =>
  isJsonObject(value) &&
  Object.keys(value).every((issuer) => URL.canParse(issuer)) &&
  Object.values(value).every(isAudience)

const rules: Rules<PrivateKeyJwtOptions> = {
  clientId: required(text),
  keys: required(takes((value) => Array.isArray(value) && value.length > 0, 'an array of at least one key')),
  audiences: takes(
    isAudiences,
    "an object by issuer identifier, whose values are 'issuer', 'token_endpoint', a URI or a list of URIs",
  ),
  typ: takes((value) => value === null || (typeof value === 'string' && value !== ''), 'a non-empty string or null'),
  lifetimeSeconds: integer(10, 300),
  clock: func,
}

function audienceOf(chosen: AssertionAudience | undefined, target: CredentialTarget): string | string[] {
  if (chosen === undefined || chosen === 'issuer') return target.issuer
  if (chosen === 'token_endpoint') return target.tokenEndpoint ?? target.endpoint
  return typeof chosen === 'string' ? chosen : [...chosen]
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
