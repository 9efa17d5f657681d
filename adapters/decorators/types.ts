import type { Grants } from '../../src/index.js'

/** Options of `withCurrentAuth` and `runWithAuth`. @group Decorators */
export interface CurrentAuthOptions {
  /** The grant engine; needed where a method declares `@Grant`. */
  readonly grants?: Grants | undefined
  /** The resource of requirements that name none. Needed when the server guards several. */
  readonly resource?: string | undefined
}

/**
 * Middleware for Express and Connect, and a Fastify hook: `preHandler`, so that no body parser stands between.
 *
 * @group Decorators
 */
export type CurrentAuthMiddleware = (request: object, response: object, next: () => void) => void

/** Middleware for Koa. @group Decorators */
export type CurrentAuthKoaMiddleware = (context: object, next: () => Promise<unknown>) => Promise<unknown>

/** A class of any kind. @group Decorators */
export type AnyClass = abstract new (...parameters: never[]) => unknown

/** A method that may be decorated. Its check takes time, so that it must be ready to return a promise. @group Decorators */
// biome-ignore lint/suspicious/noConfusingVoidType: methods that answer by themselves return nothing.
export type AsyncMethod = (...parameters: never[]) => PromiseLike<unknown> | void

/**
 * A decorator for classes and methods, of the standard kind (TypeScript 5) and of the legacy kind
 * (`experimentalDecorators`).
 *
 * @group Decorators
 */
export interface AuthDecorator {
  (target: AnyClass, context?: ClassDecoratorContext): void
  <Method extends AsyncMethod>(method: Method, context: ClassMethodDecoratorContext): Method
  <Method extends AsyncMethod>(target: object, name: string | symbol, descriptor: TypedPropertyDescriptor<Method>): void
}

/** A method of any kind. @group Decorators */
export type AnyMethod = (...parameters: never[]) => unknown

/** As {@link AuthDecorator}, for what leaves a method as it is. @group Decorators */
export interface OpenDecorator {
  (target: AnyClass, context?: ClassDecoratorContext): void
  <Method extends AnyMethod>(method: Method, context: ClassMethodDecoratorContext): Method
  <Method extends AnyMethod>(target: object, name: string | symbol, descriptor: TypedPropertyDescriptor<Method>): void
}
