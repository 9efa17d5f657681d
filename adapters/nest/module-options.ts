import { ConfigurableModuleBuilder, type ExecutionContext } from '@nestjs/common'
import type { AdapterOptions, HealthOptions } from '../../src/adapter.js'
import type { RequestFacts, ResourceServer } from '../../src/index.js'

/** Options of `PortcullisModule.forRoot`. @group NestJS */
export interface PortcullisModuleOptions extends AdapterOptions {
  // biome-ignore lint/suspicious/noExplicitAny: claims are typed where they are used; a module is the same for all.
  readonly server: ResourceServer<any>
  /** Whether to serve the metadata documents, at the root of the origin whatever the prefix. Default true. */
  readonly metadata?: boolean | undefined
  /** Answers the probes of a platform at these paths. Demands no token: keep them from the outside. Default: none. */
  readonly health?: HealthPaths | undefined
  /**
   * Finds the credentials of what is no HTTP request, as `nodeRequestFacts` makes them: of a message of a microservice,
   * where it is needed, of a socket other than Socket.IO's, of a GraphQL subscription. `undefined` leaves it to what the
   * module finds itself. Facts that it gives again for a later message, the same object, stand for the same caller, who
   * is held against time, revocation and requirement then, and shows no proof again.
   */
  readonly facts?: ((context: ExecutionContext) => RequestFacts | undefined) | undefined
  /**
   * Whether every handler has to say, or its class, what it demands: with a decorator, `@Public()` among them. One
   * without stops the start. Default false: an HTTP or GraphQL handler without a decorator demands a token, and one of a
   * gateway or a microservice stops the start all the same.
   */
  readonly requireDeclaration?: boolean | undefined
}

/** Where {@link PortcullisModule} answers probes: paths at the root of the origin, whatever the prefix. @group NestJS */
export interface HealthPaths extends Pick<HealthOptions, 'details'> {
  /** 503 while tokens of an issuer cannot be judged at all, such as `/readyz`. */
  readonly ready?: string | undefined
  /** 200 for as long as the process answers, such as `/livez`. */
  readonly live?: string | undefined
}

/** What NestJS makes of the module's options. */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<PortcullisModuleOptions>().setClassMethodName('forRoot').build()
