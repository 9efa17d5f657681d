import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { ConfigurationError } from '../../errors/index.js'

/**
 * Where command-line programs keep tokens: `$XDG_STATE_HOME/portcullis/tokens` (`~/.local/state` where it is not set), on
 * macOS `~/Library/Application Support/portcullis/tokens`, on Windows `%LOCALAPPDATA%\portcullis\tokens`.
 *
 * @param environment - usually `process.env`. Never read unless given.
 * @group Token stores
 */
export function tokenDirectory(
  environment: Readonly<Record<string, string | undefined>> = {},
  platform: NodeJS.Platform = process.platform,
): string {
  return join(stateFolder(environment, platform), 'portcullis', 'tokens')
}

function stateFolder(environment: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): string {
  if (platform === 'win32') return environment['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support')
  const { XDG_STATE_HOME: stateHome } = environment
  return stateHome !== undefined && isAbsolute(stateHome) ? stateHome : join(homedir(), '.local', 'state')
}

/** @throws {@link ConfigurationError} for what is not an absolute path. */
export function requiredFolder(directory: unknown): string {
  if (typeof directory === 'string' && isAbsolute(directory)) return directory
  throw new ConfigurationError('`directory` takes an absolute path.')
}
