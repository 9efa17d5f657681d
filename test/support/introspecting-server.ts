import {
  type AuthResult,
  createResourceServer,
  type IntrospectionOptions,
  type IssuerOptions,
  type PortcullisEvent,
  type Requirement,
  type ResourceServer,
  type ResourceServerOptions,
} from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import {
  createFrozenClock,
  createTestIssuer,
  type FrozenClock,
  requestFacts,
  type TestIssuer,
  type TestIssuerOptions,
} from 'portcullis/testing'

/** The resource of every {@link introspectingServer}. */
export const resource = 'https://api.example.com'

/** A resource server that asks a test issuer about tokens, both at the same frozen time. */
export interface IntrospectingServer {
  readonly clock: FrozenClock
  readonly issuer: TestIssuer
  readonly events: readonly PortcullisEvent[]
  readonly server: ResourceServer
  /** Judges a request with `token`. */
  call(token: string, requirement?: Requirement, scheme?: string): Promise<AuthResult>
  /** What became of it: `'accepted'`, or status and code. */
  outcome(token: string, requirement?: Requirement, scheme?: string): Promise<string>
  /** What became of an opaque token the issuer has this to say about. */
  outcomeOf(claims: Record<string, unknown>, requirement?: Requirement): Promise<string>
}

/** See {@link IntrospectingServer}. */
export function introspectingServer(
  options: {
    readonly introspection?: Partial<IntrospectionOptions>
    readonly issuer?: Omit<IssuerOptions, 'issuer' | 'introspection'>
    readonly server?: Partial<ResourceServerOptions>
    readonly authorizationServer?: TestIssuerOptions
  } = {},
): IntrospectingServer {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now, ...options.authorizationServer })
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource,
    issuer: {
      issuer: issuer.issuer,
      introspection: {
        credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }),
        ...options.introspection,
      },
      ...options.issuer,
    },
    fetch: issuer.fetch,
    clock: clock.now,
    onEvent: (event) => void events.push(event),
    ...options.server,
  })
  const call = (token: string, requirement: Requirement = {}, scheme = 'Bearer') =>
    server.authenticate(requestFacts({ headers: { authorization: `${scheme} ${token}` } }), requirement)
  const outcome: IntrospectingServer['outcome'] = async (...request) => outcomeOfResult(await call(...request))
  return {
    clock,
    issuer,
    events,
    server,
    call,
    outcome,
    outcomeOf: (claims, requirement) => outcome(issuer.mintOpaqueToken(claims), requirement),
  }
}

/** In short what became of a request: `'accepted'`, or status and code. */
export function outcomeOfResult(result: AuthResult): string {
  return result.ok ? 'accepted' : `${result.answer.status} ${result.error.code}`
}
