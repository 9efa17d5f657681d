import {
  type ArgumentsHost,
  Catch,
  type ConfigurableModuleAsyncOptions,
  ConfigurableModuleBuilder,
  type DynamicModule,
  type ExecutionContext,
  Global,
  Inject,
  Module,
  type NestModule,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common'
import { APP_FILTER, DiscoveryModule, DiscoveryService, HttpAdapterHost, MetadataScanner } from '@nestjs/core'
import {
  answerMetadata,
  checkOptions,
  type NodeRequest,
  type NodeResponse,
  nodeRequestFacts,
  object,
  readNodeForm,
  required,
  sendNodeAnswer,
} from '../../src/adapter.js'
import type { ClientDocuments } from '../../src/client/index.js'
import type { RequestFacts } from '../../src/index.js'
import type { Login, ReauthenticationRequiredError } from '../../src/login/index.js'
import { callFacts, sendAnswer } from './caller.js'
import { createLoginGuards, LoginAnswerException, type LoginGuards, loginGuardsToken } from './login-guard.js'
import { PlatformFilter } from './refusal-exception.js'

/** Options of `PortcullisLoginModule.forRoot`. @group NestJS */
export interface PortcullisLoginModuleOptions {
  readonly login: Login
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<PortcullisLoginModuleOptions>()
  .setClassMethodName('forRoot')
  .build()

type Caught = LoginAnswerException | ReauthenticationRequiredError

/** Sends what the guard found to be the answer, and users whose session is over to the login. */
class LoginFilter extends PlatformFilter<Caught> {
  readonly #login: Login

  constructor(login: Login, httpAdapterHost: HttpAdapterHost) {
    super(httpAdapterHost)
    this.#login = login
  }

  override catch(exception: Caught, host: ArgumentsHost): void {
    this.#answer(exception, host).catch((fault) => super.catch(fault, host))
  }

  async #answer(exception: Caught, host: ArgumentsHost): Promise<void> {
    const facts = callFacts(host as ExecutionContext) as RequestFacts
    const isAnswered = exception instanceof LoginAnswerException
    const answer = isAnswered ? exception.answer : await this.#login.refusal(facts, exception)
    if (answer === undefined) throw exception
    sendAnswer(host.switchToHttp().getResponse(), answer)
  }
}

/**
 * Middleware that serves the metadata document of this application's client, and its keys, to anybody, whatever the global
 * prefix: `app.use(clientMetadata(documents))`, on Express and on Fastify, before `listen`.
 *
 * @group NestJS
 */
export function clientMetadata(
  documents: ClientDocuments,
): (req: NodeRequest, res: NodeResponse, next: (error?: unknown) => void) => void {
  return (req, res, next) =>
    answerMetadata(documents, nodeRequestFacts(req), (answer) => sendNodeAnswer(res, answer), next)
}

const guards: Provider = {
  provide: loginGuardsToken,
  useFactory(options: PortcullisLoginModuleOptions) {
    checkOptions<PortcullisLoginModuleOptions>('PortcullisLoginModule', options, { login: required(object) })
    return createLoginGuards(options.login)
  },
  inject: [MODULE_OPTIONS_TOKEN],
}

const filter: Provider = {
  provide: APP_FILTER,
  async useFactory({ login }: PortcullisLoginModuleOptions, adapterHost: HttpAdapterHost) {
    // Not loaded for applications without logins.
    const { ReauthenticationRequiredError } = await import('../../src/login/index.js')
    Catch(LoginAnswerException, ReauthenticationRequiredError)(LoginFilter)
    return new LoginFilter(login, adapterHost)
  },
  inject: [MODULE_OPTIONS_TOKEN, HttpAdapterHost],
}

/**
 * Signs users in: import `PortcullisLoginModule.forRoot({ login })`, or `forRootAsync`, once, in the root module. Serves the
 * routes of the login below its `basePath`, whatever the global prefix, and runs the guards of `@RequireLogin()`; what they
 * demand is checked when the application starts. Handlers without such a decorator are open.
 *
 * @group NestJS
 */
export class PortcullisLoginModule extends ConfigurableModuleClass implements NestModule, OnModuleInit {
  readonly #login: Login
  readonly #adapterHost: HttpAdapterHost
  readonly #guards: LoginGuards
  readonly #discovery: DiscoveryService

  /** The module with its options, for the `imports` of the root module. */
  declare static forRoot: (options: PortcullisLoginModuleOptions) => DynamicModule
  /** As {@link PortcullisLoginModule.forRoot}, with options from `useFactory`, `useClass` or `useExisting`. */
  declare static forRootAsync: (options: ConfigurableModuleAsyncOptions<PortcullisLoginModuleOptions>) => DynamicModule

  /** @hidden NestJS makes it. */
  constructor(
    { login }: PortcullisLoginModuleOptions,
    adapterHost: HttpAdapterHost,
    guardsOfHandlers: LoginGuards,
    discovery: DiscoveryService,
  ) {
    super()
    this.#login = login
    this.#adapterHost = adapterHost
    this.#guards = guardsOfHandlers
    this.#discovery = discovery
  }

  /** Serves the routes. Not by a controller or by `forRoutes`: both know the global prefix. */
  configure(): void {
    this.#adapterHost.httpAdapter.use((req: never, res: never, next: (error?: unknown) => void) => {
      const answer = this.#login.handle(nodeRequestFacts(req), () => readNodeForm(req))
      if (answer === undefined) next()
      else answer.then((ready) => sendNodeAnswer(res, ready)).catch(next)
    })
  }

  /** Compiles the guards of all handlers, so that a wrong requirement shows at the start. */
  onModuleInit(): void {
    for (const { metatype } of this.#discovery.getControllers()) {
      const { prototype } = metatype as { readonly prototype: Record<string, object> }
      for (const name of new MetadataScanner().getAllMethodNames(prototype)) {
        this.#guards(metatype as object, prototype[name] as object)
      }
    }
  }
}

Inject(MODULE_OPTIONS_TOKEN)(PortcullisLoginModule, undefined, 0)
Inject(HttpAdapterHost)(PortcullisLoginModule, undefined, 1)
Inject(loginGuardsToken)(PortcullisLoginModule, undefined, 2)
Inject(DiscoveryService)(PortcullisLoginModule, undefined, 3)
Global()(PortcullisLoginModule)
Module({ imports: [DiscoveryModule], providers: [guards, filter], exports: [guards] })(PortcullisLoginModule)
