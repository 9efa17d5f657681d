import { createAdapterGate, InsufficientScopeError, isAuthError, StepUpRequiredError } from '../../src/adapter.js'
import type { Auth, AuthError, ResourceServer } from '../../src/index.js'
import { authOf } from './auth-info.js'
import type { McpGate, McpGateOptions, ToolError } from './mcp-gate.js'

/** Makes `gate.tool`. */
export function createTool<Claims>(
  server: ResourceServer<Claims>,
  gateOptions: McpGateOptions<Claims>,
): McpGate<Claims>['tool'] {
  const gate = createAdapterGate(server, gateOptions)
  return ({ grants, ...requirement }, handler) => {
    const admit = gate.demand(requirement, grants)
    return async (...parameters) => {
      try {
        return await handler(await admit(authOf(parameters.at(-1)) as Auth<Claims> | undefined), ...parameters)
      } catch (error) {
        if (!isAuthError(error) || error.status === 500) throw error
        return toolError(error)
      }
    }
  }
}

function toolError(error: AuthError): ToolError {
  const refusal = { error: error.oauthError ?? 'access_denied', ...demandOf(error) }
  const demands = Object.entries(demandOf(error)).map(([name, value]) => ` ${name}: ${value}.`)
  const text = `${error.description}.${demands.join('')}`
  return { isError: true, content: [{ type: 'text', text }], _meta: { 'portcullis/refusal': refusal } }
}

/** What would satisfy the tool, named as in a challenge (RFC 6750 §3.1, RFC 9470 §3). */
function demandOf(error: AuthError): Record<string, string> {
  if (error instanceof InsufficientScopeError) return defined({ scope: error.scope })
  if (!(error instanceof StepUpRequiredError)) return {}
  const { acrValues, maxAgeSeconds, scope } = error.demand
  return defined({ acr_values: acrValues?.join(' '), max_age: maxAgeSeconds?.toString(), scope })
}

function defined(members: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
