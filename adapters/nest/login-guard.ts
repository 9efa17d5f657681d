import { type CanActivate, createParamDecorator, type ExecutionContext, HttpException, Inject } from '@nestjs/common'
import { GUARDS_METADATA } from '@nestjs/common/constants.js'
import { ConfigurationError } from '../../src/adapter.js'
import type { HttpAnswer, RequestFacts } from '../../src/index.js'
import type { Login, LoginGuard, LoginRequirement, LoginSession } from '../../src/login/index.js'
import { callFacts, httpOf, type PlatformResponse, setFields } from './caller.js'
import { oncePerHandler } from './gates.js'
import { setEarlyFields } from './refusal-exception.js'

/** What the decorators of a class or a method say. */
interface DeclaredLogin {
  readonly isOptional: boolean
  readonly requirement: LoginRequirement
}

const key = Symbol.for('portcullis.login')

/** Where the guards of all handlers are injected from. */
export const loginGuardsToken = Symbol('PortcullisLoginModule, which the root module has to import')

/** The guard of each handler. */
export type LoginGuards = (host: object, handler: object) => LoginGuard<LoginSession | undefined>

/** Compiles what classes and methods declare, once for each handler of each class. */
export function createLoginGuards(login: Login): LoginGuards {
  return oncePerHandler((host, handler) => compile(login, host, handler))
}

function compile(login: Login, host: object, handler: object): ReturnType<LoginGuards> {
  const outer: DeclaredLogin | undefined = Reflect.getMetadata(key, host)
  const inner: DeclaredLogin | undefined = Reflect.getMetadata(key, handler)
  if ((inner ?? outer)?.isOptional) return login.optionalGuard()
  return login.guard({ ...outer?.requirement, ...inner?.requirement })
}

/**
 * Ends a request before the handler, as an exception, since a guard has no other way. All fields of the answer but its type
 * are set by then, so that a filter of the application that catches everything keeps the redirect and the cookies.
 */
export class LoginAnswerException extends HttpException {
  /** What is left to send. */
  readonly answer: HttpAnswer

  constructor(answer: HttpAnswer, response: PlatformResponse) {
    super(answer.body, answer.status)
    this.answer = setEarlyFields(response, answer)
  }
}

/** Contexts that a guard of ours has judged: NestJS shows one to the guards of the class and of the method. */
const judged = new WeakSet<ExecutionContext>()

/** The guard of every class and method with a decorator. @internal */
export class PortcullisLoginGuard implements CanActivate {
  readonly #guards: LoginGuards

  constructor(guards: LoginGuards) {
    this.#guards = guards
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (judged.has(context)) return true
    judged.add(context)
    const guard = this.#guards(context.getClass(), context.getHandler())
    if (context.getType() !== 'http') throw new ConfigurationError('@RequireLogin() guards handlers of HTTP alone.')
    const { request } = httpOf(context)
    const response = httpOf(context).response as PlatformResponse
    const result = await guard(callFacts(context) as RequestFacts)
    if (!result.ok) throw new LoginAnswerException(result.answer, response)
    setFields(response, result.headers)
    Object.defineProperty(request, 'login', { value: result.login, configurable: true })
    return true
  }
}

Inject(loginGuardsToken)(PortcullisLoginGuard, undefined, 0)

/**
 * Demands a session of web login on a controller or a handler: a page is sent to the login and comes back, anything else
 * gets 401 and JSON; what another site sends with the user's cookies gets 403, where it may change something. Of a class and
 * its handler, each member of the requirement is the handler's where it names it. Needs `PortcullisLoginModule`. Beside
 * `PortcullisModule`, which demands tokens, say `@Public()` as well.
 *
 * @group NestJS
 */
export function RequireLogin(requirement: LoginRequirement = {}): ClassDecorator & MethodDecorator {
  return declare({ isOptional: false, requirement })
}

/** As {@link RequireLogin}, but a request without a session passes, with `@CurrentLogin()` undefined. @group NestJS */
export function OptionalLogin(): ClassDecorator & MethodDecorator {
  return declare({ isOptional: true, requirement: {} })
}

/** Injects who signed in; `undefined` where no decorator asked for a session, or found none. @group NestJS */
export const CurrentLogin: () => ParameterDecorator = createParamDecorator(
  (_, context) => (httpOf(context).request as { readonly login?: LoginSession } | undefined)?.login,
)

function declare(declared: DeclaredLogin): ClassDecorator & MethodDecorator {
  function decorator(target: object, _name?: string | symbol, descriptor?: PropertyDescriptor): void {
    const subject: object = descriptor?.value ?? target
    Reflect.defineMetadata(key, declared, subject)
    const guards: readonly unknown[] = Reflect.getMetadata(GUARDS_METADATA, subject) ?? []
    if (guards.includes(PortcullisLoginGuard)) return
    Reflect.defineMetadata(GUARDS_METADATA, [PortcullisLoginGuard, ...guards], subject)
  }
  return decorator as ClassDecorator & MethodDecorator
}
