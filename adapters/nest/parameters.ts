import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import { authOf } from './platform.js'

function callerOf(context: ExecutionContext) {
  return authOf(context.switchToHttp().getRequest())
}

/** Injects who calls; `undefined` on a public route and for an anonymous caller. @group NestJS */
export const Auth: () => ParameterDecorator = createParamDecorator((_, context) => callerOf(context))

/** Injects the claims of the token, or one of them: `@Claims('email')`. @group NestJS */
export const Claims: (name?: string) => ParameterDecorator = createParamDecorator(
  (name: string | undefined, context) => {
    const claims = callerOf(context)?.claims
    return name === undefined ? claims : claims?.[name]
  },
)

/** Injects what the grants of the route brought. @group NestJS */
export const Access: () => ParameterDecorator = createParamDecorator((_, context) => callerOf(context)?.access)
