import { createResourceServer, type IssuerOptions, type JsonObject, type ResourceServer } from 'portcullis'
import { createFrozenClock, createSigningKey, requestFacts, signCompact } from 'portcullis/testing'
import { type ProviderFixture, resource, type TokenShape } from './fixture.js'
import { auth0 } from './fixtures/auth0.js'
import { authentik } from './fixtures/authentik.js'
import { clerk, clerkSession } from './fixtures/clerk.js'
import { cloudflareAccess } from './fixtures/cloudflare-access.js'
import { cognito } from './fixtures/cognito.js'
import { duende } from './fixtures/duende.js'
import { entra, entraV1 } from './fixtures/entra.js'
import { firebase, firebaseWithGuests } from './fixtures/firebase.js'
import { githubActions, githubActionsOfOwner } from './fixtures/github-actions.js'
import { gitlabCi, gitlabCiOfGroup } from './fixtures/gitlab-ci.js'
import { googleIap } from './fixtures/google-iap.js'
import { googleServiceIdentity } from './fixtures/google-service-identity.js'
import { hydra } from './fixtures/hydra.js'
import { keycloak } from './fixtures/keycloak.js'
import { kubernetes } from './fixtures/kubernetes.js'
import { okta } from './fixtures/okta.js'
import { rfc9068 } from './fixtures/rfc9068.js'
import { spiffe } from './fixtures/spiffe.js'
import { springAuthorizationServer, springWithCustomiser } from './fixtures/spring-authorization-server.js'
import { supabase, supabaseWithGuests } from './fixtures/supabase.js'
import { workos } from './fixtures/workos.js'
import { zitadel } from './fixtures/zitadel.js'

/** Every provider there is a preset for. */
export const providers: readonly ProviderFixture[] = [
  rfc9068,
  keycloak,
  auth0,
  okta,
  entra,
  entraV1,
  googleServiceIdentity,
  githubActions,
  githubActionsOfOwner,
  cognito,
  clerk,
  clerkSession,
  supabase,
  supabaseWithGuests,
  firebase,
  firebaseWithGuests,
  workos,
  kubernetes,
  spiffe,
  hydra,
  zitadel,
  authentik,
  gitlabCi,
  gitlabCiOfGroup,
  cloudflareAccess,
  googleIap,
  duende,
  springAuthorizationServer,
  springWithCustomiser,
]

const clock = createFrozenClock()
/** One key pair an algorithm, under one name, for all providers: no signature and no `kid` refuses anything. */
const keys = {
  RS256: createSigningKey({ algorithm: 'RS256', kid: 'shared' }),
  ES256: createSigningKey({ algorithm: 'ES256', kid: 'shared' }),
}

/** The metadata document and the key set of each provider, by URL. */
const documents = new Map<string, JsonObject>(providers.flatMap(documentsOf))

function documentsOf({ options, metadata, jwk = {} }: ProviderFixture): [string, JsonObject][] {
  const { issuer, jwksUri = metadata?.['jwks_uri'] } = options
  const set = { keys: Object.values(keys).map(({ publicJwk }) => withoutUndefined({ ...publicJwk, ...jwk })) }
  const document: [string, JsonObject][] =
    metadata === undefined
      ? []
      : [[`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { issuer, ...metadata }]]
  return [...document, [String(jwksUri), set]]
}

function withoutUndefined(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

/** Answers for all providers at once. */
async function fetchDocument(url: string): Promise<Response> {
  const document = documents.get(url)
  return document === undefined ? new Response('not found', { status: 404 }) : Response.json(document)
}

/** A resource server whose set-up is nothing but the options of a provider. */
export function serverOf(issuer: IssuerOptions | readonly IssuerOptions[]): ResourceServer {
  return createResourceServer({ resource, issuer, fetch: fetchDocument, clock: clock.now })
}

/** Signs a token of a provider, as it issues it. */
export function sign({ algorithm, audience, options }: ProviderFixture, { header, claims }: TokenShape): string {
  const iat = Math.floor(clock.now() / 1000)
  const payload = { iss: options.issuer, aud: audience, iat, exp: iat + 300, ...claims }
  return signCompact({
    header: withoutUndefined({ alg: algorithm, kid: 'shared', ...header }),
    payload: withoutUndefined(payload),
    key: keys[algorithm],
  })
}

/** The same token as the target would issue it: by its `iss`, its `aud` and its algorithm. */
export function disguise({ header, claims }: TokenShape, target: ProviderFixture): string {
  return sign(target, { header, claims: { ...claims, aud: target.audience, iss: target.options.issuer } })
}

const everyAudience = [...new Set(providers.flatMap(({ audience = [] }) => audience))]

/** All tokens of all providers, each with its own `iss` and the `aud` of every provider, by both algorithms. */
export const addressedToAll = providers.flatMap((owner) =>
  Object.entries({ ...owner.accepted, ...owner.refused }).map(([kind, { header, claims }]) => {
    const shape = { header, claims: { ...claims, iss: owner.options.issuer, aud: everyAudience } }
    const signed = (algorithm: ProviderFixture['algorithm']) => sign({ ...owner, algorithm }, shape)
    return { owner, kind, token: { RS256: signed('RS256'), ES256: signed('ES256') } }
  }),
)

/** Sends a token the way the tokens of a provider come. */
export function send(server: ResourceServer, { tokenHeader }: IssuerOptions, token: string) {
  const headers =
    tokenHeader === undefined ? { authorization: `Bearer ${token}` } : { [tokenHeader.toLowerCase()]: token }
  return server.authenticate(requestFacts({ headers }))
}

/** `ok`, or the code of the refusal. */
export async function outcome(server: ResourceServer, options: IssuerOptions, token: string): Promise<string> {
  const result = await send(server, options, token)
  return result.ok ? 'ok' : result.error.code
}
