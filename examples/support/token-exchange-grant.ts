import { createLocalJWKSet, type JWK, jwtVerify } from 'jose'
import type { AccessToken, Client, Provider, ResourceServerInstance, TokenEndpointGrantContext } from 'oidc-provider'

/** RFC 8693 §2.1. */
export const tokenExchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const acceptedSubjectTypes = [accessTokenType, 'urn:ietf:params:oauth:token-type:jwt']
const parameters = ['subject_token', 'subject_token_type', 'requested_token_type', 'resource', 'scope'] as const

/** Who acts for the subject of a token; `act` holds who acted before (RFC 8693 §4.1). */
export interface Actor {
  readonly sub: string
  readonly act?: Actor
}

type ExchangeContext = TokenEndpointGrantContext<Partial<Record<(typeof parameters)[number], string>>>

interface Subject {
  readonly sub: string
  readonly exp: number
  readonly act: Actor | undefined
}

/** What the grant shares with the rest of the server. */
export interface TokenExchangeSettings {
  /** The public keys subject tokens may be signed with. */
  readonly verificationKeys: () => readonly JWK[]
  /** Receives the actor of each token before it is made, so that it becomes the `act` claim. */
  readonly actors: WeakMap<object, Actor>
}

/**
 * Adds token exchange to `provider`: an access token issued by itself becomes one for another `resource`, of the same
 * subject, with the authenticated client as actor. The scope is what was asked for, of what the resource has; it never
 * outlives the subject token.
 */
export async function registerTokenExchange(provider: Provider, settings: TokenExchangeSettings): Promise<void> {
  const { errors } = await import('oidc-provider')
  const grants = await import('oidc-provider/lib/helpers/grants.js')

  const checkRequest = ({ client, params }: ExchangeContext['oidc']): void => {
    if (client.clientAuthMethod === 'none') throw new errors.InvalidClient('a confidential client is required')
    if (!acceptedSubjectTypes.includes(params.subject_token_type ?? '')) {
      throw new errors.InvalidRequest('unsupported subject_token_type')
    }
    if ((params.requested_token_type ?? accessTokenType) !== accessTokenType) {
      throw new errors.InvalidRequest('unsupported requested_token_type')
    }
  }
  const findTarget = async (ctx: ExchangeContext): Promise<ResourceServerInstance> => {
    const [target, ...others] = await grants.resolveRequestedResources(provider, ctx)
    if (target === undefined || others.length > 0) throw new errors.InvalidTarget('exactly one resource is required')
    return target
  }
  const handler = async (ctx: ExchangeContext): Promise<void> => {
    checkRequest(ctx.oidc)
    const { client, params } = ctx.oidc
    const subject = await readSubject(provider, params.subject_token ?? '', settings)
    if (subject === undefined) throw new errors.InvalidRequest('subject_token is not acceptable')
    const proof = await grants.validateDpop(provider, ctx)
    const target = await findTarget(ctx)
    const scope = grantedScope(params.scope, target)
    if (scope === undefined) throw new errors.InvalidScope('the resource has no such scope', params.scope ?? '')

    const token = await delegatedToken(provider, client, subject, target, scope)
    settings.actors.set(token, { sub: client.clientId, ...(subject.act && { act: subject.act }) })
    if (proof !== undefined) {
      await grants.checkDpopReplay(provider, ctx, proof, client.clientId)
      token.setThumbprint('jkt', proof.thumbprint)
    }
    ctx.oidc.entity('AccessToken', token)
    ctx.body = grants.buildTokenResponse(provider, {
      accessToken: await token.save(),
      tokenType: token.tokenType,
      issuedTokenType: accessTokenType,
      expiresIn: token.expiration,
      scope,
    })
  }
  provider.registerGrantType(tokenExchangeGrantType, handler, parameters, ['resource'])
}

async function delegatedToken(
  provider: Provider,
  client: Client,
  subject: Subject,
  target: ResourceServerInstance,
  scope: string,
): Promise<AccessToken> {
  const grant = new provider.Grant({ accountId: subject.sub, clientId: client.clientId })
  grant.addResourceScope(target.identifier(), scope)
  const secondsLeft = subject.exp - Math.floor(Date.now() / 1000)
  return new provider.AccessToken({
    accountId: subject.sub,
    client,
    grantId: await grant.save(),
    gty: 'token_exchange',
    scope,
    expiresIn: Math.min(target.accessTokenTTL ?? 300, secondsLeft),
    resourceServer: target,
  })
}

async function readSubject(
  provider: Provider,
  token: string,
  settings: TokenExchangeSettings,
): Promise<Subject | undefined> {
  const opaque = await provider.AccessToken.find(token)
  if (opaque !== undefined) return { sub: opaque.accountId, exp: Number(opaque.exp), act: actorOf(opaque) }
  const keys = createLocalJWKSet({ keys: [...settings.verificationKeys()] })
  const verified = await jwtVerify(token, keys, { issuer: provider.issuer, typ: 'at+jwt' }).catch(() => undefined)
  if (verified === undefined) return undefined
  const { sub, exp, act } = verified.payload
  return { sub: String(sub), exp: Number(exp), act: act as Actor | undefined }
}

function actorOf(token: AccessToken): Actor | undefined {
  return token.extra?.['act'] as Actor | undefined
}

function grantedScope(requested: string | undefined, target: ResourceServerInstance): string | undefined {
  if (requested === undefined) return target.scope
  return requested.split(' ').every((scope) => target.scopes.has(scope)) ? requested : undefined
}
