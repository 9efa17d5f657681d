/*
 * `node:crypto` for `portcullis/testing` inside a Worker. That of workerd exports members of a JWK that are not there, as
 * `undefined`, signs with a key object only where no option stands beside it, and takes the salt length that is called
 * RSA_PSS_SALTLEN_DIGEST for another one.
 */
import type { Buffer } from 'node:buffer'
import * as crypto from 'node:crypto'

export * from 'node:crypto'

interface KeyPair {
  readonly publicKey: crypto.KeyObject
  readonly privateKey: crypto.KeyObject
}

const { createPublicKey: createPublic, createPrivateKey: createPrivate, generateKeyPairSync: generate } = crypto

function repaired<Key extends crypto.KeyObject>(key: Key): Key {
  const exported = key.export.bind(key) as (options?: object) => unknown
  const repairedExport = (options?: { format?: string }) => {
    const value = exported(options)
    return options?.format === 'jwk' ? JSON.parse(JSON.stringify(value)) : value
  }
  return Object.assign(key, { export: repairedExport })
}

interface SignatureInput {
  readonly key: crypto.KeyObject
  readonly saltLength?: number
}

function plain(digest: string | null, { key, saltLength, ...rest }: SignatureInput) {
  const pem = key.export({ format: 'pem', type: key.type === 'private' ? 'pkcs8' : 'spki' })
  const ofDigest = saltLength === crypto.constants.RSA_PSS_SALTLEN_DIGEST ? Number(digest?.slice(3)) / 8 : saltLength
  return { ...rest, key: pem, ...(ofDigest !== undefined && { saltLength: ofDigest }) }
}

export const createPublicKey = (input: never) => repaired(createPublic(input))
export const createPrivateKey = (input: never) => repaired(createPrivate(input))
export function generateKeyPairSync(type: never, options: never): KeyPair {
  const { publicKey, privateKey } = generate(type, options) as unknown as KeyPair
  return { publicKey: repaired(publicKey), privateKey: repaired(privateKey) }
}
export const sign = (digest: string | null, data: Buffer, input: SignatureInput) =>
  crypto.sign(digest, data, plain(digest, input))
export const verify = (digest: string | null, data: Buffer, input: SignatureInput, signature: Buffer) =>
  crypto.verify(digest, data, plain(digest, input), signature)
