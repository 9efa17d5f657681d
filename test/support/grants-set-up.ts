import {
  Auth,
  type AuthError,
  createGrants,
  type Grant,
  type Grants,
  type GrantsOptions,
  isAuthError,
} from 'portcullis'
import { clientSecretBasic, createOAuthClient, type OAuthClient, type OAuthClientOptions } from 'portcullis/client'
import { createFrozenClock, type FrozenClock } from 'portcullis/testing'
import { answer, type Behaviour, type FakeAuthorizationServer, fakeAuthorizationServer } from './fake-token-endpoint.js'

export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
export const calendar = 'https://calendar.example/'
export const mail = 'https://mail.example/'

/** A grant engine over a client, the fake token endpoint it talks to, and the clock all of them read. */
export interface GrantsSetUp {
  readonly grants: Grants
  readonly client: OAuthClient
  readonly server: FakeAuthorizationServer
  readonly clock: FrozenClock
  readonly events: { readonly type: string }[]
  /** How many exchanges the token endpoint saw. */
  exchanges(): number
}

type Options = Partial<Omit<GrantsOptions, 'client' | 'clock'>> & {
  readonly clientOptions?: Partial<OAuthClientOptions>
  readonly clock?: FrozenClock
  readonly server?: FakeAuthorizationServer
}

/** The client tries once; the token endpoint answers by {@link exchanged} until it is scripted. */
export function setUpGrants({ clientOptions, clock = createFrozenClock(), ...options }: Options = {}): GrantsSetUp {
  const { server = fakeAuthorizationServer(), ...further } = options
  const events: { readonly type: string }[] = []
  if (options.server === undefined) server.script('/token', exchanged())
  const client = createOAuthClient({
    issuer: server.issuer,
    credential: clientSecretBasic({ clientId: 'gateway', clientSecret: 'gateway-secret' }),
    fetch: server.fetch,
    clock: clock.now,
    retry: false,
    breaker: false,
    ...clientOptions,
  })
  const grants = createGrants({ client, clock: clock.now, onEvent: (event) => void events.push(event), ...further })
  return { grants, client, server, clock, events, exchanges: () => server.at('/token').length }
}

/** A token whose text tells for whom and what it was issued, and which one it is. Members given replace. */
export function exchanged(members: Record<string, unknown> = {}): Behaviour {
  let count = 0
  return (request, signal) => {
    count += 1
    const { form } = request
    const target = [...form.getAll('resource'), ...form.getAll('audience')].join('+')
    return answer({
      access_token: `${form.get('subject_token')}@${target}#${count}`,
      token_type: 'Bearer',
      issued_token_type: accessTokenType,
      expires_in: 3600,
      ...members,
    })(request, signal)
  }
}

/** A verified caller. */
export function caller(token: string, more: { issuer?: string; expiresAt?: number | undefined } = {}): Auth {
  const verified = {
    issuer: more.issuer ?? 'https://as.example',
    subject: 'user-1',
    clientId: 'app',
    scopes: [],
    roles: [],
    tenant: undefined,
    claims: {},
    expiresAt: 'expiresAt' in more ? more.expiresAt : 4_000_000_000,
    actor: undefined,
    isClientToken: undefined,
  }
  return new Auth(token, 'Bearer', 'https://api.example', verified, undefined)
}

/** The access of a caller whose grants must all come off. */
export async function accessOf({ grants }: Pick<GrantsSetUp, 'grants'>, auth: Auth, ...declared: Grant[]) {
  const { access, failure } = await grants.prepare(declared)(auth)
  if (failure !== undefined) throw failure
  return access
}

/** The token of a caller for one grant. */
export async function tokenOf(setUp: Pick<GrantsSetUp, 'grants'>, auth: Auth, grant: Grant): Promise<string> {
  const access = await accessOf(setUp, auth, grant)
  return access.token(typeof grant === 'string' ? grant : grant.resource)
}

/** What a grant fails with. */
export async function failureOf(setUp: Pick<GrantsSetUp, 'grants'>, auth: Auth, grant: Grant): Promise<AuthError> {
  const { failure } = await setUp.grants.prepare([grant])(auth)
  if (isAuthError(failure)) return failure
  throw new Error('The grant was expected to fail')
}
