/** `portcullis providers`: what the configuration holds, without its secrets. Asks no server. */
import { type CommandCall, type ExitCode, plain, table } from './command-io.js'
import { loadConfig } from './session.js'

/** The work of `portcullis providers`. */
export async function providersCommand(call: CommandCall): Promise<ExitCode> {
  const { output, flags } = call
  const config = await loadConfig(call)
  const providers = config.providerNames().map((name) => {
    const { preset, type, issuer, clientId, mode = 'auto', scopes } = config.provider(name) ?? { clientId: '' }
    const isDefault = config.defaultProvider === name
    return { name, isDefault, preset, type, issuer, clientId, mode, scopes, tokenStore: config.tokenStoreOf(name) }
  })
  if (flags['json'] === true) {
    output.json({ file: config.file, providers })
    return 0
  }
  output.say(`configuration: ${plain(config.file)}`)
  for (const { name, isDefault, ...details } of providers) {
    output.data(`${output.style('bold', name)}${isDefault ? ' (default)' : ''}`)
    if (flags['verbose'] === true) output.data(table(Object.entries(details)))
  }
  return 0
}
