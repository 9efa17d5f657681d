import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { AesGcm } from './platform-crypto.js'

const cipher = 'aes-256-gcm'
const tagBytes = 16

/** See `PlatformCrypto.createAesGcm`. Synchronous here. */
export function createAesGcm(secret: Uint8Array): AesGcm {
  const key = createSecretKey(secret)
  return {
    seal(nonce, text, place) {
      const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(place))
      const parts = [sealing.update(text, 'utf8'), sealing.final(), sealing.getAuthTag()]
      return Buffer.concat(parts).toString('base64url')
    },
    open(nonce, sealed, place) {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length < tagBytes) return undefined
      const textEnd = bytes.length - tagBytes
      const opening = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes })
      opening.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(textEnd))
      const text = opening.update(bytes.subarray(0, textEnd))
      try {
        // Throws unless the tag is right: until then nothing of the text may be used.
        opening.final()
        return text.toString('utf8')
      } catch {
        return undefined
      }
    },
  }
}
