import {
  ConfigurationError,
  type Grant as DeclaredGrant,
  mergeRequirements,
  type Requirement,
} from '../../src/index.js'

/** What the decorators of one class or one method say. */
export interface Declared {
  readonly token?: 'required' | 'optional' | 'public' | undefined
  // biome-ignore lint/suspicious/noExplicitAny: each decorator types its own claims.
  readonly requirement?: Requirement<any> | undefined
  readonly grants?: readonly DeclaredGrant[] | undefined
}

const key = Symbol.for('portcullis.declared')

/** Reads what the decorators of a class or a method say. */
export function declaredOf(target: object): Declared {
  return Reflect.getMetadata(key, target) ?? {}
}

/**
 * Demands a token on a controller or a handler. On both, scopes and roles add up, and of any other member of the requirement
 * the handler's wins. Every handler without a decorator demands a token too: this one is for saying more.
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

/** Opens a controller or a handler to everyone: no token is looked at. @group NestJS */
export function Public(): ClassDecorator & MethodDecorator {
  return declare({ token: 'public' })
}

/** Acquires downstream tokens before the handler runs: `@Access()`. Needs `grants` in the module. @group NestJS */
export function Grant(...grants: DeclaredGrant[]): ClassDecorator & MethodDecorator {
  return declare({ grants })
}

function declare(added: Declared): ClassDecorator & MethodDecorator {
  const decorator = (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const subject: object = descriptor === undefined ? target : descriptor.value
    const known = declaredOf(subject)
    const own: Declared = Reflect.getOwnMetadata(key, subject) ?? {}
    if (own.token !== undefined && added.token !== undefined && own.token !== added.token) {
      const place = String(name ?? (target as { name?: string }).name)
      throw new ConfigurationError(`'${place}' is declared both ${own.token} and ${added.token}: say one.`)
    }
    const declared: Declared = {
      token: added.token ?? known.token,
      requirement: mergeRequirements(added.requirement, known.requirement),
      grants: [...(added.grants ?? []), ...(known.grants ?? [])],
    }
    Reflect.defineMetadata(key, declared, subject)
  }
  return decorator as ClassDecorator & MethodDecorator
}
