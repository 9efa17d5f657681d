import { expect, it, vi } from 'vitest'
import { readCompactJws, readJsonSegment } from '../../../src/jws/compact-jws.js'
import { sha256Base64url } from '../../../src/jws/crypto/node.js'

vi.mock('../../../src/jws/crypto/node.js', () => import('../../../src/jws/crypto/web.js'))

const [header, payload, signature] = ['{"alg":"ES256"}', '{"iss":"https://issuer.test"}', 'bytes'].map((text) =>
  Buffer.from(text).toString('base64url'),
)

it('[JOSE-01] [ADP-08] takes three segments apart and throws for no other number, also on WebCrypto', () => {
  expect(sha256Base64url('')).toBeInstanceOf(Promise)
  const token = `${header}.${payload}.${signature}`
  expect(readCompactJws(token)?.payload).toEqual({ iss: 'https://issuer.test' })
  for (const text of ['', '.', '..', 'a', header, `${header}.${payload}`, `${token}.AAAA`, `${token}.AAA.AAAA`]) {
    expect(readCompactJws(String(text)), text).toBeUndefined()
  }
  expect(readJsonSegment(String(header))).toEqual({ alg: 'ES256' })
  expect(readJsonSegment('=')).toBeUndefined()
})
