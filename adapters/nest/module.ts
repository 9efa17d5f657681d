import {
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  Global,
  Inject,
  Module,
  type NestModule,
  type OnModuleInit,
} from '@nestjs/common'
import { DiscoveryModule, DiscoveryService, HttpAdapterHost } from '@nestjs/core'
import { nodeRequestFacts, sendNodeAnswer } from '../../src/adapter.js'
import { checkHandlers } from './check-handlers.js'
import { type Gates, gatesToken } from './gates.js'
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, type PortcullisModuleOptions } from './options.js'
import { enhancers, shared } from './providers.js'

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

  /** Serves the metadata. Not by a route or by `forRoutes`: both know the global prefix, and this is the origin's root. */
  configure(): void {
    const { server, metadata } = this.#options
    if (metadata === false) return
    this.#adapterHost.httpAdapter.use((req: never, res: never, next: (error?: unknown) => void) => {
      const answer = server.metadata(nodeRequestFacts(req))
      if (answer === undefined) return next()
      Promise.resolve(answer).then((ready) => (ready === undefined ? next() : sendNodeAnswer(res, ready)), next)
    })
  }

  /** Compiles the gates of all handlers, so that a wrong requirement, or a guard that nothing runs, shows at the start. */
  onModuleInit(): void {
    checkHandlers(this.#options, this.#gates, this.#discovery)
  }
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
