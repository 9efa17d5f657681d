import { ConfigurationError } from '../../errors/index.js'
import { checkOptions, object, type Rules, required, takes } from '../../kit/options.js'
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

const rules: Rules<FromEnvironmentOptions> = {
  env: required(object),
  prefix: takes((value) => typeof value === 'string', 'a string'),
}

/**
 * Reads a credential from environment variables, by explicit call only: `<prefix>CLIENT_ID` with either
 * `<prefix>CLIENT_SECRET` (Basic; post with `<prefix>CLIENT_AUTH_METHOD=client_secret_post`) or
 * `<prefix>CLIENT_ASSERTION_FILE` (see {@link federatedAssertion}).
 *
 * @throws {@link ConfigurationError} naming the variables that are missing, or that contradict each other.
 * @group Credentials
 */
export function fromEnvironment(options: FromEnvironmentOptions): ClientCredential {
  checkOptions('fromEnvironment', options, rules)
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
