/** What a server signed for this client, decrypted where it has to be. Verifies nothing. */
import { compactDecrypt } from 'jose'
import { readJsonSegment } from '../jws/compact-jws.js'
import type { IdTokenOptions } from './client-options.js'
import { IdTokenError } from './login-errors.js'

const maxLength = 65_536

/** The signed part of an ID token or a logout token. @throws {@link IdTokenError} */
export async function signedText(idToken: string, options: IdTokenOptions): Promise<string> {
  if (idToken.length > maxLength) throw malformed(`longer than ${maxLength} characters`)
  return idToken.split('.').length === 5 ? decrypt(idToken, options) : idToken
}

/** The error for a token that cannot be read. */
export function malformed(detail: string): IdTokenError {
  return new IdTokenError('ERR_ID_TOKEN_MALFORMED', { detail })
}

const keyManagement = ['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512', 'ECDH-ES', 'ECDH-ES+A128KW']
const decryptOptions = {
  keyManagementAlgorithms: [...keyManagement, 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'],
  contentEncryptionAlgorithms: ['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512'],
}

async function decrypt(idToken: string, { decryptionKeys = [] }: IdTokenOptions): Promise<string> {
  if (decryptionKeys.length === 0) throw malformed('encrypted, and there are no `decryptionKeys`')
  const kid = readJsonSegment(idToken.slice(0, idToken.indexOf('.')))?.['kid']
  const named = decryptionKeys.filter((key) => kid === undefined || key.kid === undefined || key.kid === kid)
  for (const { key } of named) {
    try {
      const { plaintext } = await compactDecrypt(idToken, key, decryptOptions)
      return new TextDecoder().decode(plaintext)
    } catch {}
  }
  throw malformed('none of `decryptionKeys` decrypts it')
}
