/**
 * Converts a raw ECDSA signature (R and S side by side, RFC 7518 §3.4) into DER, the form a bare `KeyObject` takes.
 * `undefined` when R or S is zero: no signature has that.
 */
export function ecdsaDer(raw: Uint8Array): Uint8Array | undefined {
  const half = raw.length >> 1
  const rStart = firstNonZero(raw, 0, half)
  const sStart = firstNonZero(raw, half, raw.length)
  if (rStart === half || sStart === raw.length) return undefined
  const rPad = (raw[rStart] as number) >> 7
  const sPad = (raw[sStart] as number) >> 7
  const rLength = half - rStart + rPad
  const sLength = raw.length - sStart + sPad
  const bodyLength = rLength + sLength + 4
  const long = bodyLength > 127 ? 1 : 0
  const der = new Uint8Array(bodyLength + 2 + long)
  let at = 0
  der[at++] = 0x30
  if (long) der[at++] = 0x81
  der[at++] = bodyLength
  der[at++] = 0x02
  der[at++] = rLength
  der.set(raw.subarray(rStart, half), at + rPad)
  at += rLength
  der[at++] = 0x02
  der[at++] = sLength
  der.set(raw.subarray(sStart), at + sPad)
  return der
}

function firstNonZero(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] === 0) at++
  return at
}
