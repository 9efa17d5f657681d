/**
 * Portcullis for Koa 2 and 3.
 *
 * @module
 */
import type { Context, Middleware, Next } from 'koa'
import {
  type AdapterOptions,
  adapterRules,
  authIn,
  checkOptions,
  choice,
  createAdapterGate,
  declares,
  earlierIn,
  type HealthOptions,
  type Judge,
  type Judged,
  keepAccess,
  nodeRequestFacts,
  refuseUncalled,
  setAuth,
  setNodeHeaders,
  withAnswerHeaders,
} from '../../src/adapter.js'
import type { AccessTokenClaims, Auth, Grant, Requirement, ResourceServer } from '../../src/index.js'
import { checkRoutes } from './routes-in.js'
import { sendAnswer } from './send-answer.js'

export {
  clientMetadata,
  type KoaLoginGuard,
  loginRefusals,
  loginRoutes,
  optionalLogin,
  requireLogin,
} from './koa-login.js'

/** Options of {@link portcullis}. @group Koa */
export interface KoaOptions extends AdapterOptions {
  /**
   * What to do with a refusal. `answer` (default) sends the complete answer. `throw` throws the `AuthError`: its
   * `status` and `headers` say what the answer needs, challenges included, and Koa's own handler heeds both. A fault of
   * the application (status 500, with its `cause`) is thrown whatever this says.
   */
  readonly onError?: 'answer' | 'throw' | undefined
}

/**
 * Middleware that adds `auth` to `ctx.state`. Handlers that follow it in one call of `router.get` and the like see it
 * with its type.
 *
 * @group Koa
 */
export type KoaGuard<Identity> = Middleware<{ readonly auth: Identity }>

/** What has routes: an application, or a router of `@koa/router`. @group Koa */
export type KoaRoutes = { readonly middleware: readonly unknown[] } | { readonly stack: readonly unknown[] }

/** Koa middleware made of a resource server. @group Koa */
export interface KoaGate<Claims = AccessTokenClaims> {
  /** Serves the metadata documents. Use it on the application itself, not on one that is mounted below a path. */
  metadata(): Middleware
  /**
   * Answers the probes of a platform: `router.get('/readyz', gate.health())`. Demands no token: keep it from the outside.
   *
   * @throws `ConfigurationError` for a wrong option, at once.
   */
  health(options?: HealthOptions): Middleware
  /**
   * Lets a request through that carries a good token, and puts {@link Auth} into `ctx.state.auth`. A CORS preflight
   * gets 204, and passes no guard: mount what answers it before.
   *
   * @throws `ConfigurationError` for a requirement that cannot be right, at once.
   */
  requireToken(requirement?: Requirement<Claims>): KoaGuard<Auth<Claims>>
  /** As {@link KoaGate.requireToken}, but a request without credentials passes with `ctx.state.auth` undefined. */
  optionalToken(requirement?: Requirement<Claims>): KoaGuard<Auth<Claims> | undefined>
  /**
   * Acquires downstream tokens for the caller that a guard before it found: `ctx.state.auth.access` has them.
   *
   * @throws `ConfigurationError` for a grant that cannot be right, at once.
   */
  grant(...grants: Grant[]): KoaGuard<Auth<Claims>>
  /**
   * To be used before the routes: an `AuthError` that a handler throws, such as that of a lazy grant or of
   * `server.check`, is answered as a guard would. Any other error, and a fault of the application, is thrown on.
   */
  refusals(): Middleware
  /**
   * Refuses to start unless every route says what it demands: by a guard or {@link KoaGate.publicRoute} before its
   * handler, or by one in front of its router. Call it behind the last route, with the application or a router of
   * `@koa/router`. It sees the routes of such routers, and nothing that other middleware answers or mounts.
   *
   * @throws `ConfigurationError` that names the first route without, and where there is no route at all.
   */
  requireDeclaration(app: KoaRoutes): void
  /** Says for {@link KoaGate.requireDeclaration} that what follows is for everybody. Does nothing else. */
  publicRoute(): Middleware
  /** Who a guard has found to be calling; nothing that others put into `ctx.state.auth`. */
  authOf(ctx: Pick<Context, 'state'>): Auth<Claims> | undefined
}

/** Makes Koa middleware of a resource server. Works with Koa 2 and 3. @group Koa */
export function portcullis<Claims = AccessTokenClaims>(
  server: ResourceServer<Claims>,
  options: KoaOptions = {},
): KoaGate<Claims> {
  checkOptions<KoaOptions>('portcullis', options, { ...adapterRules, onError: choice('answer', 'throw') })
  const gate = createAdapterGate(server, options)
  const authOf = ({ state }: Pick<Context, 'state'>) => authIn<Claims>(state)

  function guarded(judge: Judge<Claims>) {
    return (ctx: Context, next: Next): Promise<void> => {
      const earlier = earlierIn(ctx.state)
      if (earlier !== undefined) setAuth(ctx.state, undefined)
      const judged = judge(nodeRequestFacts(ctx.req, ctx.request), earlier)
      if (judged instanceof Promise) return judged.then((result) => settle(result, earlier, ctx, next))
      return settle(judged, earlier, ctx, next)
    }
  }

  /** Koa waits for the handlers anyway: theirs is the only promise here. */
  function settle(result: Judged<Claims>, earlier: unknown, ctx: Context, next: Next): Promise<void> {
    if (!result.ok) return refuse(ctx, result)
    setAuth(ctx.state, keepAccess(result.auth, earlier))
    setNodeHeaders(ctx.res, result.headers)
    return next()
  }

  async function refuse(ctx: Context, { fault, error, answer }: Judged<Claims> & { ok: false }): Promise<void> {
    if (fault) throw error
    if (error !== undefined && options.onError === 'throw') throw withAnswerHeaders(error, answer, ctx.res)
    sendAnswer(ctx, answer)
  }

  return {
    metadata(...given: unknown[]) {
      refuseUncalled('metadata', given)
      return async (ctx, next) => {
        const answer = await server.metadata(nodeRequestFacts(ctx.req, ctx.request))
        return answer === undefined ? next() : sendAnswer(ctx, answer)
      }
    },
    health(options) {
      const answer = gate.health(options)
      return declares((ctx) => sendAnswer(ctx, answer()))
    },
    requireToken: (requirement) => declares(guarded(gate.requireToken(requirement))),
    optionalToken: (requirement) => declares(guarded(gate.optionalToken(requirement))),
    grant: (...declared) => guarded(gate.grant(...declared)),
    refusals: () => async (ctx, next) => {
      try {
        await next()
      } catch (error) {
        const answer = ctx.headerSent ? undefined : gate.refusal(error, authOf(ctx))
        if (answer === undefined) throw error
        sendAnswer(ctx, answer)
      }
    },
    requireDeclaration: checkRoutes,
    publicRoute: () => declares((_ctx, next) => next()),
    authOf,
  }
}
