import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { AdapterOptions, HealthOptions } from '../../src/adapter.js'
import type { AccessTokenClaims, Auth, Grant, Requirement, ResourceServer } from '../../src/index.js'

/** Options of the plugin. @group Fastify */
export interface FastifyOptions<Claims = AccessTokenClaims> extends AdapterOptions {
  readonly server: ResourceServer<Claims>
  /** Whether to serve the metadata documents, at the root of the origin whatever the prefix. Default true. */
  readonly metadata?: boolean | undefined
  /**
   * What to do with a refusal. `answer` (default) sends the complete answer. `throw` hands the `AuthError` to
   * `setErrorHandler`: its `status` and `headers` say what the answer needs, challenges included, and Fastify's own
   * handler heeds both. A fault of the application (status 500, with its `cause`) is thrown whatever this says.
   */
  readonly onError?: 'answer' | 'throw' | undefined
  /**
   * Whether every route that is added behind the plugin has to say what it demands: by `config.portcullis`, which may be
   * `'public'`, or by a guard among its own hooks. One without stops the start. Does NOT count hooks of the instance, and
   * sees no route that was added before. Default false.
   */
  readonly requireDeclaration?: boolean | undefined
}

/** What a route may declare as `config.portcullis`: a requirement, all in one. @group Fastify */
export interface RouteAuth extends Requirement<AuthClaims> {
  /** Lets requests without credentials pass, with `request.auth` null. Default false. */
  readonly optional?: boolean | undefined
  /** Downstream tokens the handler needs: `request.auth.access`. */
  readonly grants?: readonly Grant[] | undefined
}

/**
 * A hook for a route's `onRequest`, or `preValidation` where a parsed form may carry the token. Called without `done`, as
 * by another hook, it gives a promise: of the reply where that was sent, of `undefined` where the request may go on. With
 * `done` it calls that where the request may go on, and never where it sent the reply.
 *
 * @group Fastify
 */
export interface GuardHook {
  (request: FastifyRequest, reply: FastifyReply): Promise<unknown>
  (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void
}

/**
 * Yours to extend: declare `claims` with the type your claims schema gives, and `request.auth.claims` has it.
 *
 * @group Fastify
 */
// biome-ignore lint/suspicious/noEmptyInterface: it exists to be merged with.
export interface AuthTypes {}

/** The type of `request.auth.claims`. @group Fastify */
export type AuthClaims = AuthTypes extends { readonly claims: infer Claims } ? Claims : AccessTokenClaims

/** What `request.auth` is in a route whose `config` is of type `Config`. @group Fastify */
export type RequestAuth<Config> = Config extends { readonly portcullis: infer Declared }
  ? Declared extends { readonly optional: true } | 'public'
    ? Auth<AuthClaims> | null
    : Auth<AuthClaims>
  : Auth<AuthClaims> | null

declare module 'fastify' {
  interface FastifyRequest<
    RouteGeneric,
    RawServer,
    RawRequest,
    SchemaCompiler,
    TypeProvider,
    ContextConfig,
    Logger,
    RequestType,
  > {
    /**
     * Who calls; null where no caller was asked for, and where a token is optional and none came. Cannot be replaced.
     */
    readonly auth: RequestAuth<ContextConfig>
  }

  interface FastifyContextConfig {
    /** What this route demands of its caller; `'public'` for nothing. */
    readonly portcullis?: RouteAuth | 'public' | undefined
  }

  interface FastifyInstance {
    /** Makes a hook that lets a request through that carries a good token. Throws for a wrong requirement, at once. */
    requireToken(requirement?: Requirement<AuthClaims>): GuardHook
    /** As `requireToken`, but a request without credentials passes with `request.auth` null. */
    optionalToken(requirement?: Requirement<AuthClaims>): GuardHook
    /** Makes a hook, to be run after `requireToken`, that acquires downstream tokens: `request.auth.access`. */
    grant(...grants: Grant[]): GuardHook
    /**
     * Makes a handler that answers the probes of a platform: `app.get('/readyz', app.health())`. Demands no token: keep it
     * from the outside. Throws for a wrong option, at once.
     */
    health(options?: HealthOptions): (request: FastifyRequest, reply: FastifyReply) => unknown
    /** Who a guard has found to be calling, as in every adapter: `request.auth`, `undefined` where that is null. */
    authOf(request: FastifyRequest): Auth<AuthClaims> | undefined
    /**
     * An error handler, for `app.setErrorHandler` or a part of it: an `AuthError` that a handler throws, such as that of
     * a lazy grant or of `server.check`, is answered as a guard would. Throws any other error, and a fault of the application, on to the next handler.
     */
    refusals(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply
  }
}
