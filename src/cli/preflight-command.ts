/** `portcullis preflight`: checks the configuration, and tries everything about a provider that needs no user. */
import { type CommandCall, type ExitCode, wrap } from './command-io.js'
import { openSession } from './session.js'

const marks = { success: 'ok', warning: 'warn', failure: 'FAIL', skipped: '-' } as const
const styles = { success: 'green', warning: 'yellow', failure: 'red', skipped: 'dim' } as const

/** The work of `portcullis preflight`. */
export async function preflightCommand(call: CommandCall): Promise<ExitCode> {
  const { io, output, flags } = call
  const session = await openSession(call)
  const { redirectUri } = session.config.provider(session.name) ?? {}
  const provider = await session.provider()
  const report = await output
    .during('trying the provider', provider.preflight({ redirectUri, checkClient: flags['check-client'] === true }))
    .finally(() => provider.close())
  if (flags['json'] === true) {
    output.json(report)
    return report.ok ? 0 : 1
  }
  const width = Math.min(io.stdout.columns ?? 80, 100)
  output.data(output.style('bold', `${session.name}: ${report.ok ? 'ready' : 'not ready'}`))
  for (const { name, status, message } of report.steps) {
    output.data(`  ${output.style(styles[status], marks[status].padEnd(4))}  ${name}`)
    if (status !== 'success') output.data(wrap(message, width, '        '))
  }
  return report.ok ? 0 : 1
}
