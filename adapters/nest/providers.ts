import { ConfigurableModuleBuilder, type Provider } from '@nestjs/common'
import { APP_FILTER, APP_GUARD } from '@nestjs/core'
import { createGates } from './gates.js'
import { createGuard } from './guard.js'
import type { PortcullisModuleOptions } from './options.js'
import { RefusalFilter } from './refusal.js'

/** What NestJS makes of the module's options. */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<PortcullisModuleOptions>().setClassMethodName('forRoot').build()

/** Where the gates of all handlers are injected from. */
export const gatesToken = Symbol('portcullis.gates')

/** The gates, and the guard and the filter of the whole application. */
export const providers: Provider[] = [
  { provide: gatesToken, useFactory: createGates, inject: [MODULE_OPTIONS_TOKEN] },
  { provide: APP_GUARD, useFactory: createGuard, inject: [gatesToken] },
  {
    provide: APP_FILTER,
    useFactory: ({ server }: PortcullisModuleOptions) => new RefusalFilter(server),
    inject: [MODULE_OPTIONS_TOKEN],
  },
]
