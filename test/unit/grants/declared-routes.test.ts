import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import {
  type Ahead,
  checkDeclared,
  checkFound,
  declares,
  guardAt,
  isAhead,
  isDeclaration,
} from '../../../src/grants/declared-routes.js'

const nothing: Ahead = { isGuarded: false, guardedPaths: [] }
const guard = declares(() => 'guard')
const handler = () => 'handler'

describe('the declaration of a route', () => {
  it('[REAL-23] stands before its handler', () => {
    const route = (...handlers: unknown[]) => ({ method: 'GET', path: '/me', handlers })
    for (const handlers of [[handler, guard, handler], [guard, handler, guard], [guard], []]) {
      expect(() => checkDeclared(route(...handlers), nothing)).not.toThrow()
    }
    for (const handlers of [[handler], [handler, guard], [() => guard(), handler], ['guard', handler]]) {
      expect(() => checkDeclared(route(...handlers), nothing)).toThrow(ConfigurationError)
    }
    expect(() => checkDeclared(route(handler), nothing)).toThrow(
      'The route GET /me says nothing of tokens: put `requireToken()`, `optionalToken()` or `publicRoute()` before its handler, or in front of its router.',
    )
    expect(() => checkDeclared({ ...route(handler), path: undefined }, nothing)).toThrow(/GET \(of a pattern\)/)
  })

  it('[REAL-23] is a guard that was made as one, and nothing else', () => {
    expect(isDeclaration(guard)).toBe(true)
    for (const other of [handler, undefined, null, {}, declares({})]) expect(isDeclaration(other)).toBe(false)
  })

  it.each([
    ['', '/me', true],
    ['', undefined, true],
    ['/api', '/api', true],
    ['/api', '/api/me', true],
    ['/api/v1', '/api/v1/:id', true],
    ['/:tenant', '/:tenant/me', true],
    ['/api', '/apis', false],
    ['/api', '/', false],
    ['/api', '/API/me', false],
    ['/api', '/api{/:id}', false],
    ['/api', '/api/?me', false],
    ['/api', undefined, false],
    ['/a*', '/a*', false],
    ['/api/', '/api/me', false],
    ['/:id(\\d+)', '/:id(\\d+)/x', false],
    ['/:id(\\d+)/x', '/:id(\\d+)/x', false],
    [undefined, '/me', false],
    [undefined, undefined, false],
  ])('[REAL-23] counts where its guard is mounted at %s, for a route at %s: %s', (mounted, path, is) => {
    expect(isAhead(path, guardAt(mounted, nothing))).toBe(is)
  })

  it('[REAL-23] is looked for in vain where there is no route', () => {
    expect(() => checkFound(0)).toThrow(
      '`requireDeclaration` found no route: call it behind the last one, with what has them.',
    )
    expect(() => checkFound(1)).not.toThrow()
  })
})
