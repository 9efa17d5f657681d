import { ClientConfigurationError } from '../errors.js'

/** @throws {@link ClientConfigurationError} unless `value` is a non-empty string. */
export function requireText(name: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value !== '') return
  throw new ClientConfigurationError('ERR_CLIENT_CONFIGURATION', { message: `\`${name}\` takes a non-empty string.` })
}
