import { createParamDecorator } from '@nestjs/common'
import { GUARDS_METADATA } from '@nestjs/common/constants.js'
import { ConfigurationError, mergeRequirements } from '../../src/adapter.js'
import type { Grant as DeclaredGrant, Requirement } from '../../src/index.js'
import { authOf } from './caller.js'
import { type Declared, declaredOf, ownDeclaredOf, setDeclared } from './gates.js'
import { PortcullisGuard } from './guard.js'

/**
 * Demands a token on a controller, a resolver, a gateway or a handler of one. On a class and its handler, scopes and roles
 * add up, and of any other member of the requirement the handler's wins. Every HTTP handler without a decorator demands a
 * token too: this one is for saying more. Needs `PortcullisModule` in the application, which does not start without it.
 *
 * @group NestJS
 */
export function RequireToken<Claims>(requirement: Requirement<Claims> = {}): ClassDecorator & MethodDecorator {
  return declare({ token: 'required', requirement })
}

/** `@RequireToken({ scope })`: all the scopes named. @group NestJS */
export function RequireScopes(...scopes: string[]): ClassDecorator & MethodDecorator {
  return declare({ token: 'required', requirement: { scope: scopes } })
}

/** As {@link RequireToken}, but a request without credentials passes, with `@Auth()` undefined. @group NestJS */
export function OptionalToken<Claims>(requirement: Requirement<Claims> = {}): ClassDecorator & MethodDecorator {
  return declare({ token: 'optional', requirement })
}

/** Opens a class or a handler to everyone: no token is looked at. @group NestJS */
export function Public(): ClassDecorator & MethodDecorator {
  return declare({ token: 'public' })
}

/** Acquires downstream tokens before the handler runs: `@Access()`. Needs `grants` in the module. @group NestJS */
export function Grant(...grants: DeclaredGrant[]): ClassDecorator & MethodDecorator {
  return declare({ grants })
}

function declare(added: Declared): ClassDecorator & MethodDecorator {
  const { grants = [] } = added
  const decorator = (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const subject: object = descriptor === undefined ? target : descriptor.value
    const known = declaredOf(subject)
    const own = ownDeclaredOf(subject)
    if (own?.token !== undefined && added.token !== undefined && own.token !== added.token) {
      const place = String(name ?? (target as { name?: string }).name)
      throw new ConfigurationError(`'${place}' is declared both ${own.token} and ${added.token}: say one.`)
    }
    setDeclared(subject, {
      token: added.token ?? known?.token,
      requirement: mergeRequirements(added.requirement, known?.requirement),
      grants: [...grants, ...(known?.grants ?? [])],
      hasOwnGrants: own?.hasOwnGrants || grants.length > 0,
    })
    if (added.token !== 'public') guard(subject)
  }
  return decorator as ClassDecorator & MethodDecorator
}

/**
 * Puts the guard on the class or the method itself. NestJS runs global guards before HTTP and GraphQL handlers alone, and
 * before those of a microservice unless it is part of a hybrid application; guards of a class or a method run everywhere.
 */
function guard(subject: object): void {
  const guards: readonly unknown[] = Reflect.getMetadata(GUARDS_METADATA, subject) ?? []
  if (guards.includes(PortcullisGuard)) return
  Reflect.defineMetadata(GUARDS_METADATA, [PortcullisGuard, ...guards], subject)
}

/** Injects who calls; `undefined` on a public route and for an anonymous caller. @group NestJS */
export const Auth: () => ParameterDecorator = createParamDecorator((_, context) => authOf(context))

/** Injects the claims of the token, or one of them: `@Claims('email')`. @group NestJS */
export const Claims: (name?: string) => ParameterDecorator = createParamDecorator(
  (name: string | undefined, context) => {
    const claims = authOf(context)?.claims
    return name === undefined ? claims : claims?.[name]
  },
)

/** Injects what the grants of the route brought. @group NestJS */
export const Access: () => ParameterDecorator = createParamDecorator((_, context) => authOf(context)?.access)
