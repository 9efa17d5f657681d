import { ConfigurationError } from '../../errors/index.js'
import { isJsonObject } from '../../kit/json.js'
import { anything, checkOptions, checkValue, oneOrMore, type Rules, required, text, toList } from '../../kit/options.js'
import { type ClaimConditions, type ClaimsTest, refuseConditions, toClaimsTest } from './claim-conditions.js'

/** A resource that tokens are accepted for. */
export interface TokenTarget {
  /** The identifier, byte for byte. */
  readonly resource: string
  readonly audiences: readonly string[]
  /** The issuers that may issue for it; all of them listed, in the order given. */
  readonly issuers: readonly string[]
  /** The only issuers it accepts, where it names some; otherwise all of the server's. */
  readonly onlyIssuers?: ReadonlySet<string> | undefined
}

/** What stands for the audience in a token without `aud`. @group Resource server */
export interface AudienceStandIn {
  /** What the token must say. At least one claim is held against values, and it says more than the kind of token. */
  readonly claims: ClaimConditions
  /** The resource it stands for; needed where the issuer may issue for several. */
  readonly resource?: string | undefined
}

type AudienceOption = string | readonly string[] | Readonly<Record<string, string | readonly string[]>> | undefined

/** The audiences of one issuer's tokens, checked. */
export interface AudienceSettings {
  readonly issuer: string
  /** For every resource, or by resource; `undefined`: the audiences of the resource. */
  readonly audiences: readonly string[] | ReadonlyMap<string, readonly string[]> | undefined
  /** What stands for `aud` where it is absent; `undefined`: nothing. */
  readonly audienceFrom: readonly StandInSettings[] | undefined
}

/** What stands for the audience, checked. */
export interface StandInSettings {
  readonly holds: ClaimsTest
  readonly resource: string | undefined
}

/** Claims in which the tokens of all clients of an issuer are alike. */
const sharedClaims: readonly string[] = ['iss', 'typ', 'token_use', 'token_type']

/**
 * Checks what stands for the audience; `undefined` when absent.
 *
 * @throws {@link ConfigurationError} for conditions that any token of the issuer may meet.
 */
export function toStandIns(given: unknown): readonly StandInSettings[] | undefined {
  if (given === undefined) return undefined
  const standIns: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (standIns.length === 0) throw new ConfigurationError('`audienceFrom` is empty; leave it out to demand `aud`.')
  return Object.freeze(standIns.map(toStandIn))
}

const standInRules: Rules<AudienceStandIn> = { claims: anything, resource: text }

function toStandIn(given: unknown): StandInSettings {
  checkOptions<AudienceStandIn>('`audienceFrom`', given as AudienceStandIn, standInRules, 'audienceFrom.')
  const { claims, resource } = given as AudienceStandIn
  if (Array.isArray(claims)) refuseConditions('audienceFrom.claims')
  const holds = toClaimsTest('audienceFrom.claims', claims ?? null) as ClaimsTest
  if (!Object.entries<unknown>(claims).some(([claim, condition]) => tellsClients(claim, condition))) {
    throw new ConfigurationError(
      '`audienceFrom` must hold a claim such as client_id or azp against values: without one, any token of the issuer passes.',
    )
  }
  return Object.freeze({ holds, resource })
}

function tellsClients(claim: string, condition: unknown): boolean {
  return !sharedClaims.includes(claim) && (Array.isArray(condition) || typeof condition === 'string')
}

/**
 * Checks the accepted audiences of one issuer: for every resource, or by resource.
 *
 * @throws {@link ConfigurationError}
 */
export function toAudiences(given: AudienceOption): AudienceSettings['audiences'] {
  if (given === undefined) return undefined
  if (!isJsonObject(given)) return checkAudience('audience', given)
  const entries = Object.entries(given).map(
    ([resource, one]) => [resource, checkAudience(`audience.${resource}`, one)] as const,
  )
  if (entries.length > 0) return new Map(entries)
  throw new ConfigurationError('`audience` names no resource; leave it out for the audiences of the resources.')
}

function checkAudience(name: string, given: unknown): readonly string[] {
  checkValue(name, given, required(oneOrMore))
  return toList(given as string | readonly string[])
}

/** No value may stand for two resources: a token of one would pass at the other. */
export function audiencesByResource(
  { issuer, audiences }: AudienceSettings,
  resources: readonly TokenTarget[],
): ReadonlyMap<string, readonly string[]> | undefined {
  if (audiences === undefined) return undefined
  const byResource = new Map(
    resources.map((one) => [
      one.resource,
      audiences instanceof Map ? (audiences.get(one.resource) ?? one.audiences) : (audiences as readonly string[]),
    ]),
  )
  if (audiences instanceof Map) checkResources('audience', issuer, [...audiences.keys()], byResource)
  const all = [...byResource.values()].flatMap((accepted) => [...new Set(accepted)])
  const shared = all.find((audience, index) => all.indexOf(audience) < index)
  if (shared === undefined) return byResource
  throw new ConfigurationError(
    `\`audience\` of the issuer ${issuer} makes ${shared} stand for several resources, so that a token of one would pass ` +
      'at another. Give other audiences by resource, as in { [resource]: audience }, or name the issuer in `issuers` of one resource only.',
  )
}

/**
 * What stands for an absent `aud`, by resource.
 *
 * @throws {@link ConfigurationError} where it does not say for which of several resources.
 */
export function standInsByResource(
  { issuer, audienceFrom }: AudienceSettings,
  resources: readonly TokenTarget[],
): ReadonlyMap<string, readonly ClaimsTest[]> | undefined {
  if (audienceFrom === undefined) return undefined
  const byResource = new Map<string, ClaimsTest[]>(resources.map(({ resource }) => [resource, []]))
  const [only, second] = byResource.keys()
  for (const { resource = second === undefined ? only : undefined, holds } of audienceFrom) {
    if (resource === undefined) {
      throw new ConfigurationError(
        `\`audienceFrom\` of the issuer ${issuer} needs \`resource\`: it may issue for several, and has to say for which.`,
      )
    }
    checkResources('audienceFrom', issuer, [resource], byResource)
    byResource.get(resource)?.push(holds)
  }
  return byResource
}

function checkResources(
  option: string,
  issuer: string,
  named: readonly string[],
  known: ReadonlyMap<string, unknown>,
): void {
  const unknown = named.find((resource) => !known.has(resource))
  if (unknown === undefined) return
  throw new ConfigurationError(
    `\`${option}\` of the issuer ${issuer} names ${unknown}, which is no resource of this server that it may issue for.`,
  )
}
