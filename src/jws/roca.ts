const generator = 65_537
/** The largest prime factor of the number that keys of 1984 bits and more are built on: the 126th prime. */
const largestPrime = 701

/** Those primes of which the powers of 65537 leave residues out, the most telling ones first. */
const tellingPrimes = oddPrimes()
  .map((prime) => ({ prime, powers: powersModulo(prime) }))
  .filter(({ prime, powers }) => powers.size < prime - 1)
  .sort((left, right) => left.powers.size / left.prime - right.powers.size / right.prime)

function oddPrimes(): readonly number[] {
  const found: number[] = []
  for (let candidate = 3; candidate <= largestPrime; candidate += 2) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate)
  }
  return found
}

function powersModulo(prime: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * generator) % prime) powers.add(power)
  return powers
}

/**
 * Whether an RSA modulus of 1984 bits or more, big-endian, comes from the key generator whose keys can be factored
 * (CVE-2017-15361). Each of its primes is a power of 65537 modulo every small prime, and so is their product: the
 * discrete logarithm exists for all of them (Nemec, Sys, Svenda, Klinec, Matyas: The Return of Coppersmith's Attack, CCS
 * 2017, §3). A random modulus passes for one with a probability of 2^-167, and as a rule fails at the first prime.
 */
export function hasRocaFingerprint(modulus: Uint8Array): boolean {
  return tellingPrimes.every(({ prime, powers }) => powers.has(remainder(modulus, prime)))
}

function remainder(integer: Uint8Array, prime: number): number {
  let rest = 0
  for (const byte of integer) rest = (rest * 256 + byte) % prime
  return rest
}
