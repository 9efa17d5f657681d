import {
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  Inject,
  Module,
  type NestModule,
  type OnModuleInit,
  type Type,
} from '@nestjs/common'
import { PATH_METADATA } from '@nestjs/common/constants.js'
import { DiscoveryModule, DiscoveryService, HttpAdapterHost, MetadataScanner } from '@nestjs/core'
import { nodeRequestFacts, sendNodeAnswer } from '../../src/index.js'
import type { Gates } from './gates.js'
import type { PortcullisModuleOptions } from './options.js'
import { ConfigurableModuleClass, gatesToken, MODULE_OPTIONS_TOKEN, providers } from './providers.js'

/**
 * Guards an application: import `PortcullisModule.forRoot({ server })`, or `forRootAsync`, once, in the root module.
 * Every handler then demands a token unless it says `@Public()`. What decorators demand is checked when the application
 * starts.
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

  /** Compiles the gates of all routes, so that a wrong requirement shows before traffic comes. */
  onModuleInit(): void {
    const controllers = this.#discovery.getControllers().map(({ metatype }) => metatype as Type)
    for (const controller of controllers) {
      for (const name of new MetadataScanner().getAllMethodNames(controller.prototype)) {
        const handler = controller.prototype[name]
        if (Reflect.hasMetadata(PATH_METADATA, handler)) this.#gates(controller, handler)
      }
    }
  }
}

Inject(MODULE_OPTIONS_TOKEN)(PortcullisModule, undefined, 0)
Inject(HttpAdapterHost)(PortcullisModule, undefined, 1)
Inject(gatesToken)(PortcullisModule, undefined, 2)
Inject(DiscoveryService)(PortcullisModule, undefined, 3)
Module({ imports: [DiscoveryModule], providers })(PortcullisModule)
