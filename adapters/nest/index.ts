/**
 * Portcullis for NestJS 11, on Express and on Fastify.
 *
 * @module
 */
import {
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  Global,
  Inject,
  Module,
  type NestModule,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common'
import { APP_FILTER, APP_GUARD, DiscoveryModule, DiscoveryService, HttpAdapterHost } from '@nestjs/core'
import { answerMetadata, createHealthAnswer, nodeRequestFacts, sendNodeAnswer } from '../../src/adapter.js'
import type { AccessTokenClaims, HttpAnswer, Auth as VerifiedAuth } from '../../src/index.js'
import { checkHandlers } from './check-handlers.js'
import { createGates, type Gates, gatesToken } from './gates.js'
import { PortcullisGuard } from './guard.js'
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, type PortcullisModuleOptions } from './module-options.js'
import { RefusalFilter } from './refusal-exception.js'

export { authOf } from './caller.js'
export {
  Access,
  Auth,
  Claims,
  Grant,
  OptionalToken,
  Public,
  RequireScopes,
  RequireToken,
} from './handler-decorators.js'
export { CurrentLogin, OptionalLogin, RequireLogin } from './login-guard.js'
export { clientMetadata, PortcullisLoginModule, type PortcullisLoginModuleOptions } from './login-module.js'
export type { HealthPaths, PortcullisModuleOptions } from './module-options.js'
export { RefusalException } from './refusal-exception.js'

/** What `@Auth()` gives: the same name serves as decorator and as type. @group NestJS */
export type Auth<Claims = AccessTokenClaims> = VerifiedAuth<Claims>

/** What the guards of classes and methods need, in whichever module they are. */
const shared: Provider[] = [{ provide: gatesToken, useFactory: createGates, inject: [MODULE_OPTIONS_TOKEN] }]

/** The guard and the filter of the whole application. */
const enhancers: Provider[] = [
  { provide: APP_GUARD, useClass: PortcullisGuard },
  {
    provide: APP_FILTER,
    useFactory: ({ server }: PortcullisModuleOptions, adapterHost: HttpAdapterHost) =>
      new RefusalFilter(server, adapterHost),
    inject: [MODULE_OPTIONS_TOKEN, HttpAdapterHost],
  },
]

/**
 * Guards an application: import `PortcullisModule.forRoot({ server })`, or `forRootAsync`, once, in the root module.
 * Every handler then demands a token unless it says `@Public()`, whatever carries its calls: HTTP, GraphQL, sockets,
 * microservices. What decorators demand is checked when the application starts, and that NestJS runs a guard before it.
 *
 * @group NestJS
 */
export class PortcullisModule extends ConfigurableModuleClass implements NestModule, OnModuleInit {
  readonly #options: PortcullisModuleOptions
  readonly #adapterHost: HttpAdapterHost
  readonly #gates: Gates
  readonly #discovery: DiscoveryService

  /** The module with its options, for the `imports` of the root module. */
  declare static forRoot: (options: PortcullisModuleOptions) => DynamicModule
  /** As {@link PortcullisModule.forRoot}, with options from `useFactory`, `useClass` or `useExisting`. */
  declare static forRootAsync: (options: ConfigurableModuleAsyncOptions<PortcullisModuleOptions>) => DynamicModule

  /** @hidden NestJS makes it. */
  constructor(
    options: PortcullisModuleOptions,
    adapterHost: HttpAdapterHost,
    gates: Gates,
    discovery: DiscoveryService,
  ) {
    super()
    this.#options = options
    this.#adapterHost = adapterHost
    this.#gates = gates
    this.#discovery = discovery
  }

  /**
   * Serves the metadata, and answers probes. Not by routes or by `forRoutes`: both know the global prefix, and this is the
   * origin's root.
   */
  configure(): void {
    const { server, metadata } = this.#options
    const probes = probesOf(this.#options)
    if (metadata === false && probes.size === 0) return
    this.#adapterHost.httpAdapter.use((req: never, res: never, next: (error?: unknown) => void) => {
      const facts = nodeRequestFacts(req)
      const probe = probes.get(facts.url)
      if (probe !== undefined) sendNodeAnswer(res, probe())
      else if (metadata === false) next()
      else answerMetadata(server, facts, (answer) => sendNodeAnswer(res, answer), next)
    })
  }

  /** Compiles the gates of all handlers, so that a wrong requirement, or a guard that nothing runs, shows at the start. */
  onModuleInit(): void {
    checkHandlers(this.#options, this.#gates, this.#discovery)
  }
}

/** What answers at which path. */
function probesOf({
  server,
  grants,
  health = {},
}: PortcullisModuleOptions): ReadonlyMap<string | undefined, () => HttpAnswer> {
  const { ready, live, details } = health
  const probes = new Map([
    [ready, createHealthAnswer(server, grants, { details })],
    [live, createHealthAnswer(server, grants, { probe: 'live' })],
  ])
  probes.delete(undefined)
  return probes
}

Inject(MODULE_OPTIONS_TOKEN)(PortcullisModule, undefined, 0)
Inject(HttpAdapterHost)(PortcullisModule, undefined, 1)
Inject(gatesToken)(PortcullisModule, undefined, 2)
Inject(DiscoveryService)(PortcullisModule, undefined, 3)
Global()(PortcullisModule)
Module({
  imports: [DiscoveryModule],
  providers: [...shared, ...enhancers],
  exports: [MODULE_OPTIONS_TOKEN, ...shared],
})(PortcullisModule)
