import { Controller, Get } from '@nestjs/common'
import { Field, ObjectType, Parent, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql'
import { MessagePattern, Payload } from '@nestjs/microservices'
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'
import type { AccessContext } from 'portcullis'
import { Access, Auth, Grant, OptionalToken, Public, RequireScopes, RequireToken } from 'portcullis/nest'

const calendar = 'https://calendar.test'

/** A gateway guarded as a whole. */
@WebSocketGateway()
@RequireScopes('chat')
export class ChatGateway {
  @SubscribeMessage('say')
  say(@Auth() auth: Auth) {
    return { event: 'said', data: auth.subject }
  }

  @SubscribeMessage('moderate')
  @RequireScopes('moderate')
  moderate() {
    return { event: 'moderated', data: true }
  }

  @SubscribeMessage('events')
  @Grant(calendar)
  events(@Access() access: AccessContext) {
    return { event: 'events', data: access.token(calendar) }
  }

  @SubscribeMessage('faulty')
  @RequireToken({
    allow: () => {
      throw new Error('a secret of the application')
    },
  })
  faulty() {
    return { event: 'faulty', data: true }
  }

  @SubscribeMessage('ping')
  @Public()
  ping() {
    return { event: 'pong', data: true }
  }

  @SubscribeMessage('hello')
  @OptionalToken()
  hello(@Auth() auth?: Auth) {
    return { event: 'hello', data: auth?.subject ?? 'stranger' }
  }
}

/** A gateway that says nothing of tokens. */
@WebSocketGateway()
export class SilentGateway {
  @SubscribeMessage('say')
  say() {
    return { event: 'said', data: true }
  }
}

/** Handlers of a microservice, one of which is open. */
@Controller()
export class MathController {
  @MessagePattern('sum')
  @RequireScopes('math')
  sum(@Payload() { numbers }: { readonly numbers: readonly number[] }, @Auth() auth: Auth) {
    return { sum: numbers.reduce((total, one) => total + one, 0), by: auth.subject }
  }

  @MessagePattern('faulty')
  @RequireToken({
    allow: () => {
      throw new Error('a secret of the application')
    },
  })
  faulty() {
    return true
  }

  @MessagePattern('ping')
  @Public()
  ping() {
    return 'pong'
  }
}

/** A handler of a microservice that says nothing of tokens. */
@Controller()
export class SilentMathController {
  @MessagePattern('sum')
  sum() {
    return 0
  }
}

/** Declares what it demands, and is called by the application alone. */
@RequireScopes('admin')
export class GuardedService {
  remove() {
    return true
  }
}

/** As {@link GuardedService}, by its method. */
export class GuardedMethodService {
  @RequireScopes('admin')
  remove() {
    return true
  }
}

/** Declares something for one handler only. */
@Controller()
export class UndeclaredController {
  @Get('plain')
  plain() {
    return 'plain'
  }
}

@Resolver()
export class PeopleResolver {
  @Query(() => String)
  @RequireScopes('profile')
  me(@Auth() auth: Auth) {
    return auth.subject
  }

  @Query(() => String)
  plain() {
    return 'plain'
  }

  @Query(() => String)
  @Grant(calendar)
  events(@Access() access: AccessContext) {
    return access.token(calendar)
  }

  @Query(() => String)
  @Public()
  open(@Auth() auth?: Auth) {
    return auth?.subject ?? 'nobody'
  }
}

@ObjectType()
class Person {
  @Field(() => String)
  name!: string
}

/** A resolver with a field that demands more than its parent. */
@Resolver(() => Person)
export class FieldResolver {
  @ResolveField('email', () => String)
  @RequireScopes('email')
  email(@Parent() parent: { readonly name: string }) {
    return `${parent.name}@example.com`
  }

  @ResolveField('nick', () => String)
  @Public()
  nick() {
    return 'nick'
  }

  @Query(() => Person)
  @Public()
  person() {
    return { name: 'alice' }
  }
}

/** A field resolver that says nothing. */
@Resolver(() => Person)
export class SilentFieldResolver {
  @ResolveField('nick', () => String)
  nick() {
    return 'nick'
  }

  @Query(() => Person)
  @Public()
  person() {
    return { name: 'alice' }
  }
}

/** A resolver of a federated graph that guards all it has by its class. */
@Resolver(() => Person)
@RequireScopes('people')
export class ReferenceResolver {
  @ResolveReference()
  reference() {
    return { name: 'alice' }
  }

  @Query(() => Person)
  person() {
    return { name: 'alice' }
  }
}
