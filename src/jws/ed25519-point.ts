const smallOrder: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
])

/**
 * Whether an encoded Ed25519 point is one of the eight of small order, or no canonical encoding at all (RFC 8032 §5.1.3):
 * signatures under such a key can be made without any secret, and platforms accept them. Does not check that the point
 * lies on the curve.
 */
export function isWeakPoint(encoded: Uint8Array): boolean {
  // The highest bit is the sign of x; y = -1 is the last canonical value.
  const digits = Array.from(encoded, (byte, index) => (index === 31 ? byte & 0x7f : byte).toString(16).padStart(2, '0'))
  const y = digits.join('')
  return smallOrder.has(y) || /^(?:e[c-f]|f.)(?:ff){30}7f$/.test(y)
}
