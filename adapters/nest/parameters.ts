import { createParamDecorator } from '@nestjs/common'
import { authOf } from './caller.js'

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
