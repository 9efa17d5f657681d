import { checkOptions, mistake, object, required, type Shape, takes } from '../check.js'
import type { ClientCredential } from './client-credential.js'
import { clientSecretBasic, clientSecretPost } from './client-secret.js'
import { federatedAssertion } from './federated-assertion.js'

/** @group Credentials */
export interface FromEnvironmentOptions {
  /** Usually `process.env`. Never read unless given. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Default `OAUTH_`. */
  readonly prefix?: string | undefined
}

const shape: Shape<FromEnvironmentOptions> = {
  env: required(object),
  prefix: takes((value) => typeof value === 'string', 'a string'),
}

/**
 * Reads a credential from environment variables, by explicit call only: `<prefix>CLIENT_ID` with either
 * `<prefix>CLIENT_SECRET` (Basic; post with `<prefix>CLIENT_AUTH_METHOD=client_secret_post`) or
 * `<prefix>CLIENT_ASSERTION_FILE` (see {@link federatedAssertion}).
 *
 * @throws {@link ClientConfigurationError} naming the variables that are missing, or that contradict each other.
 * @group Credentials
 */
export function fromEnvironment(options: FromEnvironmentOptions): ClientCredential {
  checkOptions('fromEnvironment', options, shape)
  const { env, prefix = 'OAUTH_' } = options
  const read = (name: string) => env[`${prefix}${name}`] || undefined
  const clientId = read('CLIENT_ID')
  const clientSecret = read('CLIENT_SECRET')
  const file = read('CLIENT_ASSERTION_FILE')
  if (clientId === undefined || (clientSecret === undefined) === (file === undefined)) {
    throw mistake(`Set ${prefix}CLIENT_ID and one of ${prefix}CLIENT_SECRET and ${prefix}CLIENT_ASSERTION_FILE.`)
  }
  if (file !== undefined) return federatedAssertion({ clientId, file })
  const secret = { clientId, clientSecret: clientSecret as string }
  const method = read('CLIENT_AUTH_METHOD') ?? 'client_secret_basic'
  if (method === 'client_secret_basic') return clientSecretBasic(secret)
  if (method === 'client_secret_post') return clientSecretPost(secret)
  throw mistake(`${prefix}CLIENT_AUTH_METHOD takes client_secret_basic or client_secret_post.`)
}
