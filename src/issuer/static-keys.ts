import { ConfigurationError } from '../errors/index.js'
import { algorithmTraits, type SignatureAlgorithm } from '../jws/algorithms.js'
import type { JwkRefusal, PublishedJwk } from '../jws/jwk.js'
import { createVerificationKey, type ManagedKey } from '../jws/verification-key.js'
import type { KeySource } from './key-source.js'
import { createKeyTable, type KeySettings, readRuledJwk } from './key-table.js'
import { readPemKey } from './pem-key.js'

/**
 * Keys given in the configuration: no network, no expiry, nothing ever withdrawn. A key without `kid`, as each in PEM is, may
 * have signed under any name that no other key has: the application named that key, not the token.
 *
 * @param given - public JWKs, and public keys in PEM; read once.
 * @param rules - default: every signature key.
 * @throws {@link ConfigurationError} when there is none, when one is private, symmetric or otherwise unusable, or twice
 * the same. Where the platform imports keys asynchronously, a point off its curve is refused by `warmUp` instead.
 */
export function createStaticKeys(jwks: readonly unknown[], rules?: KeySettings | undefined): KeySource {
  if (jwks.length === 0) throw new ConfigurationError('`keys` is empty. Give at least one public JWK, or leave it out.')
  const keys = jwks.map((jwk, index) => importStaticKey(jwk, index, rules))
  const names = keys.map((key) => key.identity)
  const repeated = names.findIndex((name, index) => names.indexOf(name) !== index)
  if (repeated !== -1) throw new ConfigurationError(`\`keys[${repeated}]\` is a repetition. Give each key once.`)
  const checks = keys.map((key) => key.signatureCheck(anyAlgorithmOf(key)))
  refuseUnusable(checks)
  const table = createKeyTable(keys)
  const nameless = createKeyTable(keys.filter(({ kid }) => kid === undefined))
  return {
    find: (kid, algorithm) =>
      table.hasName(kid) ? table.candidates(kid, algorithm) : nameless.candidates(undefined, algorithm),
    findOthers: async () => [],
    isServing: () => true,
    async warmUp() {
      refuseUnusable(await Promise.all(checks))
    },
    invalidate() {},
    held: () => keys,
    health: () => ({
      state: 'fresh',
      keys: keys.length,
      fetchedAtMs: undefined,
      refreshAtMs: undefined,
      expiresAtMs: undefined,
      staleUntilMs: undefined,
      lastFailure: undefined,
      clockOffsetMs: undefined,
    }),
  }
}

function importStaticKey(value: unknown, index: number, rules: KeySettings | undefined): ManagedKey {
  const jwk = typeof value === 'string' ? readRuledPem(value, rules) : readRuledJwk(value, rules)
  if (!('reason' in jwk)) return createVerificationKey(jwk)
  throw new ConfigurationError(
    `\`keys[${index}]\` cannot be used: ${jwk.reason}. Give a public RSA, EC or Ed25519 signature key in PEM, or as a JWK ` +
      'without the members d, p, q, dp, dq, qi, oth and k.',
  )
}

function readRuledPem(text: string, rules: KeySettings | undefined): PublishedJwk | JwkRefusal {
  const jwk = readPemKey(text)
  return 'reason' in jwk ? jwk : readRuledJwk(jwk, rules)
}

function anyAlgorithmOf(key: ManagedKey): SignatureAlgorithm {
  const names = [...algorithmTraits.keys()] as SignatureAlgorithm[]
  return names.find((name) => key.fits(name)) as SignatureAlgorithm
}

function refuseUnusable(checks: readonly unknown[]): void {
  const index = checks.indexOf(undefined)
  if (index === -1) return
  throw new ConfigurationError(`\`keys[${index}]\` is refused by the platform. Give a key whose numbers form a key.`)
}
