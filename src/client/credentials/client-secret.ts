/*
 * Credentials with a client secret (RFC 6749 §2.3.1), and the credential that environment variables describe.
 */
import { ConfigurationError } from '../../errors/index.js'
import { checkOptions, object, type Rules, required, takes, text } from '../../kit/options.js'
import type { ClientCredential } from './client-credential.js'
import { federatedAssertion } from './federated-assertion.js'

/** A client identifier with its secret. @group Credentials */
export interface ClientSecret {
  readonly clientId: string
  readonly clientSecret: string
}

const secretRules: Rules<ClientSecret> = { clientId: required(text), clientSecret: required(text) }

/**
 * `client_secret_basic`: identifier and secret, each form-urlencoded, in a Basic header field (RFC 6749 §2.3.1 and
 * App. B). The method every server supports whose metadata is silent (RFC 8414 §2).
 *
 * @throws `ConfigurationError` when either is empty.
 * @group Credentials
 */
export function clientSecretBasic(secret: ClientSecret): ClientCredential {
  checkOptions('clientSecretBasic', secret, secretRules)
  const { clientId, clientSecret } = secret
  const headers = { authorization: `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}` }
  return { method: 'client_secret_basic', clientId, authenticate: () => ({ headers }) }
}

/**
 * `client_secret_post`: identifier and secret in the request body (RFC 6749 §2.3.1). For servers that do not take
 * `client_secret_basic`.
 *
 * @throws `ConfigurationError` when either is empty.
 * @group Credentials
 */
export function clientSecretPost(secret: ClientSecret): ClientCredential {
  checkOptions('clientSecretPost', secret, secretRules)
  const { clientId, clientSecret } = secret
  const form = { client_id: clientId, client_secret: clientSecret }
  return { method: 'client_secret_post', clientId, authenticate: () => ({ form }) }
}

/** `application/x-www-form-urlencoded` of one value, as RFC 6749 App. B wants it. */
function formEncode(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1)
}

/** @group Credentials */
export interface FromEnvironmentOptions {
  /** Usually `process.env`. Never read unless given. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Default `OAUTH_`. */
  readonly prefix?: string | undefined
}

const environmentRules: Rules<FromEnvironmentOptions> = {
  env: required(object),
  prefix: takes((value) => typeof value === 'string', 'a string'),
}

/**
 * Reads a credential from environment variables, by explicit call only: `<prefix>CLIENT_ID` with either
 * `<prefix>CLIENT_SECRET` (Basic; post with `<prefix>CLIENT_AUTH_METHOD=client_secret_post`) or
 * `<prefix>CLIENT_ASSERTION_FILE` (see {@link federatedAssertion}).
 *
 * @throws `ConfigurationError` naming the variables that are missing, or that contradict each other.
 * @group Credentials
 */
export function fromEnvironment(options: FromEnvironmentOptions): ClientCredential {
  checkOptions('fromEnvironment', options, environmentRules)
  const { env, prefix = 'OAUTH_' } = options
  const read = (name: string) => env[`${prefix}${name}`] || undefined
  const clientId = read('CLIENT_ID')
  const clientSecret = read('CLIENT_SECRET')
  const file = read('CLIENT_ASSERTION_FILE')
  if (clientId === undefined || (clientSecret === undefined) === (file === undefined)) {
    throw new ConfigurationError(
      `Set ${prefix}CLIENT_ID and one of ${prefix}CLIENT_SECRET and ${prefix}CLIENT_ASSERTION_FILE.`,
    )
  }
  if (file !== undefined) return federatedAssertion({ clientId, file })
  const secret = { clientId, clientSecret: clientSecret as string }
  const method = read('CLIENT_AUTH_METHOD') ?? 'client_secret_basic'
  if (method === 'client_secret_basic') return clientSecretBasic(secret)
  if (method === 'client_secret_post') return clientSecretPost(secret)
  throw new ConfigurationError(`${prefix}CLIENT_AUTH_METHOD takes client_secret_basic or client_secret_post.`)
}
