import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Grant, Provider } from 'oidc-provider'

/** Where the authorization endpoint sends a user it wants to see. */
export const interactionPath = '/interaction'

/** The missing permissions a consent prompt lists. */
interface ConsentDetails {
  readonly missingOIDCScope?: readonly string[]
  readonly missingOIDCClaims?: string[]
  readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>
}

/**
 * Stands in for the user: signs in as whoever `login_hint` names (default `user-1`), at the first `acr` asked for, and
 * consents to everything.
 */
export async function answerInteraction(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { prompt, params, grantId, session } = await provider.interactionDetails(req, res)
  if (prompt.name === 'login') {
    const acr = String(params['acr_values'] ?? '').split(' ')[0]
    const login = { accountId: String(params['login_hint'] ?? 'user-1'), ...(acr && { acr }) }
    return provider.interactionFinished(req, res, { login })
  }
  const identity = { accountId: String(session?.accountId), clientId: String(params['client_id']) }
  const grant = (grantId && (await provider.Grant.find(grantId))) || new provider.Grant(identity)
  allowEverything(grant, prompt.details as ConsentDetails)
  return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } })
}

function allowEverything(grant: Grant, details: ConsentDetails): void {
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '))
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims)
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '))
  }
}
