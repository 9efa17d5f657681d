import type { AdapterOptions, FetchConnection, HealthOptions } from '../../src/adapter.js'
import type { AccessTokenClaims, Auth, Grant, MaybePromise, Requirement } from '../../src/index.js'

/** Options of {@link portcullis}. @group Fetch */
export interface FetchOptions extends AdapterOptions {
  /** Reads from a request what the platform adds to it, such as a client certificate. */
  readonly connection?: ((request: Request) => FetchConnection) | undefined
}

/** A request that is answered already: refused, or a CORS preflight. @group Fetch */
export interface Answered {
  readonly ok: false
  /** What to send. For a preflight that no CORS layer around the gate has answered: 204, with the fields you gave. */
  readonly response: Response
  /** Whether the request is a CORS preflight. Preflights carry no token by design. */
  readonly preflight: boolean
}

/** What became of a request: who calls, or the response to send. @group Fetch */
export type FetchResult<Identity> =
  | {
      readonly ok: true
      readonly auth: Identity
      /** The fields your response needs, a DPoP nonce above all: those you gave, with ours merged into them. */
      readonly headers: Headers
    }
  | Answered

/** What may be told beside a request: what the platform knows of its connection, and the response so far. */
export interface GuardOptions extends FetchConnection {
  /** The fields you have set on the response so far: ours are merged into them, also into those of a refusal. */
  readonly headers?: Headers | undefined
}

/** Judges a request. Rejects with a fault of the application (status 500, with its `cause`) and nothing else. @group Fetch */
export type FetchGuard<Identity> = (request: Request, context?: GuardOptions) => Promise<FetchResult<Identity>>

/** A requirement, and the downstream tokens the handler needs. @group Fetch */
export interface RouteAuth<Claims = AccessTokenClaims> extends Requirement<Claims> {
  readonly grants?: readonly Grant[] | undefined
}

/** A handler that is told who calls. `rest` is whatever the platform passes after the request. @group Fetch */
export type AuthHandler<Identity, Rest extends unknown[]> = (
  request: Request,
  auth: Identity,
  ...rest: Rest
) => MaybePromise<Response>

/** A handler as platforms call it. @group Fetch */
export type FetchHandler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Promise<Response>

/** A gate for handlers made of the Fetch API's `Request` and `Response`. @group Fetch */
export interface FetchGate<Claims = AccessTokenClaims> {
  /**
   * The metadata document, if that is what the request asks for. Ask at the root of the origin. Rejects where the signer
   * of the document throws.
   */
  metadata(request: Request): Promise<Response | undefined>
  /**
   * Makes a handler that answers the probes of a platform. Demands no token: keep it from the outside.
   *
   * @throws `ConfigurationError` for a wrong option, at once.
   */
  health(options?: HealthOptions): () => Response
  /**
   * Makes a guard that finds out who calls.
   *
   * @throws `ConfigurationError` for a requirement that cannot be right, at once.
   */
  requireToken(requirement?: RouteAuth<Claims>): FetchGuard<Auth<Claims>>
  /** As {@link FetchGate.requireToken}, but a request without credentials passes with `auth` undefined. */
  optionalToken(requirement?: Requirement<Claims>): FetchGuard<Auth<Claims> | undefined>
  /**
   * Acquires downstream tokens for the caller that a guard before it found: `auth.access` has them. Where the guard is of
   * the same route, its `grants` say the same in one step.
   *
   * @throws `ConfigurationError` for a grant that cannot be right, at once.
   */
  grant(...grants: Grant[]): FetchGuard<Auth<Claims>>
  /**
   * Puts a guard before a handler, and answers an `AuthError` that the handler throws as a guard would. Answers CORS
   * preflights with 204 and no CORS fields of ours: CORS belongs around it.
   */
  withAuth<Rest extends unknown[]>(
    requirement: RouteAuth<Claims>,
    handler: AuthHandler<Auth<Claims>, Rest>,
  ): FetchHandler<Rest>
  /**
   * The answer to an `AuthError` that a handler threw, such as that of a lazy grant or of `server.check`; `undefined` for
   * any other error and for a fault of the application: throw those on. `headers` are the fields of the response so far, and gain ours.
   */
  refusal(error: unknown, request: Request, headers?: Headers): Response | undefined
  /** Who a guard has found to be calling; nothing the application does can change it. */
  authOf(request: Request): Auth<Claims> | undefined
}
