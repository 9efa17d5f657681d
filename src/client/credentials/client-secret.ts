import { checkOptions, type Rules, required, text } from '../../kit/options.js'
import type { ClientCredential } from './client-credential.js'

/** A client identifier with its secret. @group Credentials */
export interface ClientSecret {
  readonly clientId: string
  readonly clientSecret: string
}

const rules: Rules<ClientSecret> = { clientId: required(text), clientSecret: required(text) }

/**
 * `client_secret_basic`: identifier and secret, each form-urlencoded, in a Basic header field (RFC 6749 §2.3.1 and
 * App. B). The method every server supports whose metadata is silent (RFC 8414 §2).
 *
 * @throws {@link ConfigurationError} when either is empty.
 * @group Credentials
 */
export function clientSecretBasic(secret: ClientSecret): ClientCredential {
  checkOptions('clientSecretBasic', secret, rules)
  const { clientId, clientSecret } = secret
  const headers = { authorization: `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}` }
  return { method: 'client_secret_basic', clientId, authenticate: () => ({ headers }) }
}

/**
 * `client_secret_post`: identifier and secret in the request body (RFC 6749 §2.3.1). For servers that do not take
 * `client_secret_basic`.
 *
 * @throws {@link ConfigurationError} when either is empty.
 * @group Credentials
 */
export function clientSecretPost(secret: ClientSecret): ClientCredential {
  checkOptions('clientSecretPost', secret, rules)
  const { clientId, clientSecret } = secret
  const form = { client_id: clientId, client_secret: clientSecret }
  return { method: 'client_secret_post', clientId, authenticate: () => ({ form }) }
}

/** `application/x-www-form-urlencoded` of one value, as RFC 6749 App. B wants it. */
function formEncode(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1)
}
