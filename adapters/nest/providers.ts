import type { Provider } from '@nestjs/common'
import { APP_FILTER, APP_GUARD, HttpAdapterHost } from '@nestjs/core'
import { createGates, gatesToken } from './gates.js'
import { PortcullisGuard } from './guard.js'
import { MODULE_OPTIONS_TOKEN, type PortcullisModuleOptions } from './options.js'
import { RefusalFilter } from './refusal.js'

/** What the guards of classes and methods need, in whichever module they are. */
export const shared: Provider[] = [{ provide: gatesToken, useFactory: createGates, inject: [MODULE_OPTIONS_TOKEN] }]

/** The guard and the filter of the whole application. */
export const enhancers: Provider[] = [
  { provide: APP_GUARD, useClass: PortcullisGuard },
  {
    provide: APP_FILTER,
    useFactory: ({ server }: PortcullisModuleOptions, adapterHost: HttpAdapterHost) =>
      new RefusalFilter(server, adapterHost),
    inject: [MODULE_OPTIONS_TOKEN, HttpAdapterHost],
  },
]
