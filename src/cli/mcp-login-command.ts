/** `portcullis mcp login`: signs in at an MCP server as its clients do, and shows every step of the way. */
import { createMcpAuthProvider } from '../login/resource/mcp-auth-provider.js'
import { type CommandCall, CommandFailure, type ExitCode, plain } from './command-io.js'
import { openResource, reaching } from './resource-access.js'

/** The work of `portcullis mcp login`. */
export async function mcpLoginCommand(call: CommandCall): Promise<ExitCode> {
  const { io, output, flags } = call
  const { options, store, steps } = await openResource(call, call.operand as string)
  const { resource: serverUrl, ...rest } = options
  const provider = createMcpAuthProvider({ serverUrl, ...rest })
  try {
    if (flags['force'] === true) await provider.signOut()
    await reaching(() => provider.signIn({ signal: io.signal }))
    const { tokenType, scope, expiresAt } = (await provider.token()) ?? expired()
    if (flags['json'] === true) {
      output.json({ resource: serverUrl, steps, tokenType, scope, expiresAt, store: store.describe() })
    } else if (steps.length === 0) output.data(`signed in at ${plain(serverUrl)} already; --force signs in anew`)
    else output.data(`signed in at ${plain(serverUrl)}: ${tokenType} for ${plain(scope.join(' ') || 'no scope')}`)
    return 0
  } finally {
    await provider.close()
  }
}

function expired(): never {
  throw new CommandFailure('signed in, but the token that the server gave has expired already', 1)
}
