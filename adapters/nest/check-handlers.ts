import { PATH_METADATA } from '@nestjs/common/constants.js'
import { type DiscoveryService, MetadataScanner } from '@nestjs/core'
import { ConfigurationError } from '../../src/adapter.js'
import type { Gates } from './gates.js'
import { declaredOf } from './gates.js'
import { PortcullisGuard } from './guard.js'
import type { PortcullisModuleOptions } from './module-options.js'

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number]
type Class = abstract new (...parameters: never[]) => object

/** What carries the calls of a handler. */
type Carrier = 'http' | 'graphql' | 'field' | 'ws' | 'rpc'

/** The metadata by which NestJS knows handlers, by their names: the packages they come from are optional. */
const marks: readonly (readonly [string, Carrier])[] = [
  [PATH_METADATA, 'http'],
  ['graphql:resolve_property', 'field'],
  ['graphql:resolve_reference', 'field'],
  ['graphql:resolver_type', 'graphql'],
  ['websockets:message_mapping', 'ws'],
  ['microservices:pattern', 'rpc'],
]

/** One method of a class that NestJS has made. */
interface Handler {
  readonly name: string
  readonly wrapper: Wrapper
  readonly host: Class
  readonly method: object
  readonly carrier: Carrier | undefined
}

/**
 * Compiles the gates of all handlers.
 *
 * @throws {@link ConfigurationError} for a requirement that cannot be right, and for a handler that would run without the
 * guard it declares, or cannot be judged.
 */
export function checkHandlers(options: PortcullisModuleOptions, gates: Gates, discovery: DiscoveryService): void {
  const wrappers = [...discovery.getControllers(), ...discovery.getProviders()]
  const guardsFields = fieldsAreGuarded(wrappers)
  for (const wrapper of wrappers.filter(({ isNotMetatype }) => !isNotMetatype)) {
    const handlers = handlersOf(wrapper)
    for (const handler of handlers) {
      if (handler.carrier === undefined) checkOther(handler)
      else checkHandler(handler, options, gates, guardsFields)
    }
    checkClass(wrapper.metatype as Class, handlers)
  }
}

/** `fieldResolverEnhancers` of `GraphQLModule`: without it NestJS runs no guard before resolvers of fields. */
function fieldsAreGuarded(wrappers: readonly Wrapper[]): boolean {
  const { instance } = wrappers.find(({ token }) => token === 'GqlModuleOptions') ?? {}
  return (
    (instance as { fieldResolverEnhancers?: string[] } | undefined)?.fieldResolverEnhancers?.includes('guards') === true
  )
}

function handlersOf(wrapper: Wrapper): readonly Handler[] {
  const host = wrapper.metatype as Class
  return new MetadataScanner().getAllMethodNames(host.prototype).map((key) => {
    const method: object = host.prototype[key as never]
    const [, carrier] = marks.find(([mark]) => Reflect.hasMetadata(mark, method)) ?? []
    return { name: `${host.name}.${key}`, wrapper, host, method, carrier }
  })
}

function checkHandler(handler: Handler, options: PortcullisModuleOptions, gates: Gates, guardsFields: boolean): void {
  const { name, host, method, carrier } = handler
  const isDeclared = declaredOf(method) !== undefined || declaredOf(host) !== undefined
  const isUnguardedField = carrier === 'field' && !guardsFields
  if (isUnguardedField && !isDeclared) return
  const isOpen = gates(host, method) === undefined
  if (!isDeclared && (options.requireDeclaration === true || isMessage(carrier))) {
    throw new ConfigurationError(
      `'${name}' has no decorator of Portcullis, nor has its class: say @RequireToken() or @Public().`,
    )
  }
  if (isOpen) return
  if (isUnguardedField) {
    throw new ConfigurationError(
      `'${name}' resolves a field, and no guard runs before it: give GraphQLModule \`fieldResolverEnhancers: ['guards']\`.`,
    )
  }
  if (isMessage(carrier)) checkMessages(handler, options)
}

/** Messages know no global guard but that of an application that is a microservice and nothing else. */
function isMessage(carrier: Carrier | undefined): boolean {
  return carrier === 'ws' || carrier === 'rpc'
}

/** The guard of a decorator has to be made, which NestJS before 11.1 does not do for a class behind `useClass`. */
function checkMessages({ name, wrapper, carrier }: Handler, { facts }: PortcullisModuleOptions): void {
  if (wrapper.host?.injectables.has(PortcullisGuard) !== true) {
    throw new ConfigurationError(`'${name}' would run unguarded: list its class itself in \`providers\`.`)
  }
  if (carrier === 'rpc' && facts === undefined) {
    throw new ConfigurationError(
      `'${name}' demands a token, and only you know where its messages carry one: give PortcullisModule \`facts\`.`,
    )
  }
}

/** @throws {@link ConfigurationError} for a method that is no handler, and declares what it demands. */
function checkOther({ name, method }: Handler): void {
  const declared = declaredOf(method)
  if (declared === undefined || declared.token === 'public') return
  throw new ConfigurationError(
    `'${name}' declares what it demands, and NestJS runs no guard before it: it handles no request and no message.`,
  )
}

function checkClass(host: Class, handlers: readonly Handler[]): void {
  const declared = declaredOf(host)
  if (declared === undefined || declared.token === 'public' || handlers.some(({ carrier }) => carrier)) return
  throw new ConfigurationError(`'${host.name}' declares what it demands, and has no handler that a guard runs before.`)
}
