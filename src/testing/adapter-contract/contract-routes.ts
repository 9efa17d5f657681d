import {
  type Auth,
  type Grant,
  type Grants,
  InsufficientScopeError,
  type JsonObject,
  type Requirement,
  type ResourceServer,
} from '../../index.js'

/** One route of the application every framework's harness builds. */
export interface ContractRoute {
  /** The full path a client asks for. */
  readonly path: string
  /** Where set, `path` must be served by a nested router mounted here, so that the framework rewrites its URL. */
  readonly mountedAt?: string
  /** Default GET alone. */
  readonly methods?: readonly ('GET' | 'POST' | 'OPTIONS')[]
  /** Default `required`. */
  readonly token?: 'required' | 'optional' | 'none'
  readonly requirement?: Requirement
  /** What the handler needs tokens for. */
  readonly grants?: readonly Grant[]
  /** Where set, the router around the route, or the class, demands a token and these grants before the route's own. */
  readonly routerGrants?: readonly string[]
  /** What the application itself sets on the response before the guard runs. */
  readonly before?: Readonly<Record<string, string>>
  /** Whether the handler, before it asks who calls, tries to put {@link forged} in the place of `auth`. */
  readonly overwrites?: true
  /** The handler: what it returns is sent as JSON with status 200; what it throws goes to the framework. */
  respond(auth: Auth | undefined): JsonObject
}

/** What the handlers tell of the identity they were given. */
function describeAuth(auth: Auth | undefined): JsonObject {
  if (auth === undefined) return { subject: null }
  return { subject: auth.subject, scheme: auth.scheme, resource: auth.resource, scope: auth.claims['scope'] }
}

/** The identity a handler with `overwrites` would rather see. */
export const forged = Object.freeze({ subject: 'root' })

/** Downstream services: one with tokens, one whose exchange fails, one it is refused for, one that wants the user first. */
const calendar = 'https://calendar.test/'
const contacts = 'https://contacts.test/'
export const broken = 'https://broken.test/'
export const refusing = 'https://refusing.test/'
export const wantsUser = 'https://wants-user.test/'

/** What the application's own functions throw where they fail. */
export const applicationFault = new Error('a secret of the application')

function fail(): never {
  throw applicationFault
}

function describeAccess(auth: Auth | undefined): JsonObject {
  return { subject: auth?.subject, token: auth?.access.token(calendar) }
}

/** Where the application parses no form, whatever it does elsewhere. */
export const unparsedPath = '/unparsed'

/** What the application sets by itself on `/fields`. */
const applicationFields = {
  'WWW-Authenticate': 'Basic realm="app"',
  Vary: 'Accept',
  'Access-Control-Allow-Origin': 'https://app.example',
  'Access-Control-Expose-Headers': 'X-Total',
}

/** The application. */
export const contractRoutes: readonly ContractRoute[] = [
  { path: '/open', token: 'none', respond: () => ({ open: true }) },
  { path: '/me', methods: ['GET', 'POST', 'OPTIONS'], respond: describeAuth },
  { path: '/mail', requirement: { scope: 'mail:read' }, respond: describeAuth },
  { path: '/either', requirement: { scope: { any: ['mail:read', 'read'] } }, respond: describeAuth },
  { path: '/gold', requirement: { acr: ['gold', 'silver'], maxAgeSeconds: 300 }, respond: describeAuth },
  { path: '/tenant', requirement: { claims: { tenant: 'acme' } }, respond: describeAuth },
  { path: '/staff', requirement: { roles: { any: ['admin', ['staff', 'Night shift']] } }, respond: describeAuth },
  { path: '/strong-mail', requirement: { scope: 'mail:read', acr: 'gold', maxAgeSeconds: 0 }, respond: describeAuth },
  { path: '/all', requirement: { scope: 'read write' }, respond: describeAuth },
  {
    path: '/nested',
    requirement: { scope: { all: ['read', { any: ['mail:read', ['calendar:read', 'calendar:list']] }] } },
    respond: describeAuth,
  },
  {
    path: '/payments',
    requirement: { authorizationDetails: { payment: ({ amount }) => amount === 10 } },
    respond: describeAuth,
  },
  { path: '/bound', requirement: { dpop: 'required' }, respond: describeAuth },
  { path: '/unbound', requirement: { dpop: 'off' }, respond: describeAuth },
  { path: '/certified', requirement: { mtls: 'required' }, respond: describeAuth },
  { path: '/optional', methods: ['GET', 'OPTIONS'], token: 'optional', respond: describeAuth },
  { path: '/api/v1/me', mountedAt: '/api/v1', respond: describeAuth },
  { path: '/fields', methods: ['GET', 'OPTIONS'], before: applicationFields, respond: describeAuth },
  { path: '/overwrites', overwrites: true, respond: describeAuth },
  { path: '/calendar', grants: [calendar], respond: describeAccess },
  { path: '/router', routerGrants: [calendar], requirement: { scope: 'read' }, respond: describeAccess },
  {
    path: '/router-and-route',
    routerGrants: [calendar],
    grants: [contacts],
    respond: (auth) => ({ tokens: [calendar, contacts].map((one) => auth?.access.token(one) ?? null) }),
  },
  {
    path: '/clientless',
    grants: [{ resource: calendar, issuer: () => 'https://nobody.test' }],
    respond: describeAccess,
  },
  { path: '/actorless', grants: [{ resource: calendar, actor: fail }], respond: describeAccess },
  { path: unparsedPath, methods: ['GET', 'POST'], respond: describeAuth },
  { path: '/broken', grants: [calendar, broken], respond: describeAccess },
  { path: '/refusing', grants: [calendar, refusing], respond: describeAccess },
  { path: '/wants-user', grants: [wantsUser, calendar], respond: describeAccess },
  {
    path: '/faulty',
    requirement: {
      allow: fail,
    },
    respond: describeAuth,
  },
  {
    path: '/insists',
    respond: () => {
      throw new InsufficientScopeError('mail:read')
    },
  },
  {
    path: '/throws',
    respond: () => {
      throw new TypeError('the handler failed')
    },
  },
]

/** Where the application answers probes: `gate.health()`, and `gate.health({ probe: 'live' })`. No guard stands before them. */
export const probePaths = { ready: '/probes/ready', live: '/probes/live' } as const

/** Builds {@link contractRoutes}, the probes and the metadata routes in one framework. About forty lines each. */
export interface AdapterHarness {
  /** The framework, with its version where several are covered. */
  readonly name: string
  /** Fetch knows no repeated fields: it joins challenges with a comma, which says the same (RFC 9110 §5.3). */
  readonly joinsFields?: true
  /** Starts the application on 127.0.0.1, on a free port. */
  start(server: ResourceServer, grants: Grants, beside: Beside): Promise<RunningApplication>
}

/** What the application has beside the server it guards its routes with. */
export interface Beside {
  /** A second server, whose metadata is served too. */
  readonly second: ResourceServer
  /** Called with what reaches the framework's own error channel: the application's own error handler. */
  fault(error: unknown): void
}

/** An application that listens. */
export interface RunningApplication {
  /** Such as `http://127.0.0.1:49152`. */
  readonly origin: string
  /** Stops listening; resolves when every connection is gone. */
  close(): Promise<void>
}
