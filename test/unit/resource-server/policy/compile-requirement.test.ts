import { describe, expect, it } from 'vitest'
import {
  AccessDeniedError,
  type AuthError,
  ConfigurationError,
  InsufficientScopeError,
  InternalError,
  StepUpRequiredError,
} from '../../../../src/errors/index.js'
import {
  type CompiledRequirement,
  compileRequirement,
} from '../../../../src/resource-server/policy/compile-requirement.js'
import type { JudgedToken, Requirement } from '../../../../src/resource-server/policy/requirement.js'

const resource = 'https://api.example.com'
const nowMs = 1_800_000_000_000
const context = { implies: new Map<string, readonly string[]>(), resource }

function hold({ rules }: CompiledRequirement, token: JudgedToken, clockToleranceMs: number): void {
  for (const rule of rules) rule(token, nowMs, clockToleranceMs)
}

function judge(requirement: Requirement<never>, token: Partial<JudgedToken>): unknown {
  const compiled = compileRequirement(requirement, context)
  try {
    hold(compiled, { tokenClaims: {}, claims: token.tokenClaims ?? {}, scopes: [], roles: [], ...token }, 60_000)
    return 'passes'
  } catch (error) {
    return error
  }
}

describe('compileRequirement', () => {
  it('demands nothing where nothing is demanded', () => {
    const compiled = compileRequirement({}, context)
    expect(compiled).toMatchObject({ challengeScope: undefined, dpop: undefined, mtls: undefined })
    expect(judge({}, {})).toBe('passes')
  })

  it('[E-05] [BEAR-12] refuses a token that lacks a scope, naming all the route needs', () => {
    const error = judge({ scope: 'read write' }, { scopes: ['read'] })
    expect(error).toBeInstanceOf(InsufficientScopeError)
    expect(error).toMatchObject({ status: 403, scope: 'read write', code: 'ERR_SCOPE_INSUFFICIENT' })
    expect(judge({ scope: 'read write' }, { scopes: ['write', 'read'] })).toBe('passes')
    expect(compileRequirement({ scope: { any: ['a', 'b'] } }, context).challengeScope).toBe('a')
  })

  it('[STEP-02] asks for a better authentication in the order of preference', () => {
    const error = judge({ acr: ['phr', 'mfa'], maxAgeSeconds: 300 }, {})
    expect(error).toBeInstanceOf(StepUpRequiredError)
    expect((error as StepUpRequiredError).demand).toEqual({
      acrValues: ['phr', 'mfa'],
      maxAgeSeconds: 300,
      scope: undefined,
    })
    expect(judge({ acr: 'mfa' }, { tokenClaims: { acr: 'mfa' } })).toBe('passes')
  })

  it('demands an authentication of this very moment by a maximum age of 0', () => {
    expect(judge({ maxAgeSeconds: 0 }, { tokenClaims: { auth_time: nowMs / 1000 } })).toBe('passes')
    expect(judge({ maxAgeSeconds: 0 }, { tokenClaims: { auth_time: nowMs / 1000 - 100 } })).toMatchObject({
      demand: { maxAgeSeconds: 0 },
    })
  })

  it('[C-27] names the scopes that lack as well in the challenge for a better authentication', () => {
    const requirement: Requirement<never> = { acr: 'mfa', scope: 'read write' }
    expect(judge(requirement, { scopes: ['read'] })).toMatchObject({ status: 401, demand: { scope: 'read write' } })
    expect(judge(requirement, { scopes: ['read', 'write'] })).toMatchObject({ demand: { scope: undefined } })
  })

  it('[C-26] refuses insufficient authorization details as insufficient_scope without a scope', () => {
    const requirement: Requirement<never> = { authorizationDetails: { payment: () => true } }
    const error = judge(requirement, { tokenClaims: { authorization_details: [{ type: 'other' }] } })
    expect(error).toMatchObject({ status: 403, oauthError: 'insufficient_scope', scope: undefined })
    expect(judge(requirement, { tokenClaims: { authorization_details: [{ type: 'payment' }] } })).toBe('passes')
  })

  it('[E-12] holds claims against exact values, lists and functions', () => {
    const claims = { org: 'acme', level: [1, 2], beta: (value: unknown) => value === undefined, plan: ['pro', 'max'] }
    const good = { org: 'acme', level: [9, 2], plan: 'max' }
    expect(judge({ claims }, { tokenClaims: good })).toBe('passes')
    for (const wrong of [
      { org: 'Acme' },
      { org: undefined },
      { level: [3] },
      { level: '1' },
      { beta: 1 },
      { plan: 0 },
    ]) {
      const error = judge({ claims }, { tokenClaims: { ...good, ...wrong } })
      expect(error, JSON.stringify(wrong)).toBeInstanceOf(AccessDeniedError)
      expect((error as AuthError).status).toBe(403)
    }
  })

  it('[REAL-34] refuses a token that lacks a role, without a challenge', () => {
    const error = judge({ roles: 'admin' }, { roles: ['editor'] })
    expect(error).toBeInstanceOf(AccessDeniedError)
    expect(error).toMatchObject({ status: 403, code: 'ERR_ROLE_INSUFFICIENT', oauthError: undefined })
    expect(judge({ roles: 'admin' }, { roles: ['editor', 'admin'] })).toBe('passes')
    expect(compileRequirement({ roles: 'admin' }, context).challengeScope).toBeUndefined()
  })

  it.each<[NonNullable<Requirement['roles']>, readonly (readonly string[])[], readonly (readonly string[])[]]>([
    ['Night shift', [['Night shift']], [[], ['Night'], ['Night', 'shift'], ['night shift']]],
    [['a', 'b'], [['b', 'a', 'c']], [['a'], ['b'], []]],
    [{ all: ['a', 'b'] }, [['a', 'b']], [['a']]],
    [{ any: ['a', 'b'] }, [['a'], ['b']], [['c'], []]],
    [{ any: ['admin', { all: ['a', { any: ['b', 'c'] }] }] }, [['admin'], ['a', 'c']], [['a'], ['b', 'c']]],
    [
      ['a', { any: ['b', ['c', 'd']] }],
      [
        ['a', 'b'],
        ['a', 'c', 'd'],
      ],
      [['a', 'c'], ['b']],
    ],
  ])('[REAL-34] holds roles against %j', (roles, enough, tooFew) => {
    for (const held of enough) expect(judge({ roles }, { roles: held }), String(held)).toBe('passes')
    for (const held of tooFew) expect(judge({ roles }, { roles: held }), String(held)).toBeInstanceOf(AccessDeniedError)
  })

  it('[REAL-34] [C-33] tells of a lacking scope before a lacking role', () => {
    expect(judge({ scope: 'read', roles: 'admin' }, {})).toBeInstanceOf(InsufficientScopeError)
  })

  it.each([
    [''],
    ['  '],
    [[]],
    [{}],
    [{ all: [] }],
    [{ any: 'a' }],
    [{ one: ['a'] }],
    [{ all: ['a'], any: ['b'] }],
    [5],
    [[5]],
    [null],
  ])('[REAL-34] refuses the role expression %j', (roles) => {
    expect(() => compileRequirement({ roles } as never, context)).toThrow(/`roles` takes a role/)
  })

  it.each([['mfa', ''], ['a b'], [''], [[]], [['mfa', 'a b']], [['mfa', '"']], [['mfa', 1]], [null], [[undefined]]])(
    '[STEP-02] refuses an acr with an invalid entry: %j',
    (...given) => {
      const acr = given.length > 1 ? given : given[0]
      expect(() => compileRequirement({ acr } as never, context)).toThrow(ConfigurationError)
    },
  )

  it('reads own claims only', () => {
    expect(judge({ claims: { constructor: () => true } }, {})).toBe('passes')
    const seen: unknown[] = []
    judge({ claims: { constructor: (value: unknown) => seen.push(value) > 0 } }, {})
    judge({ claims: { toString: (value: unknown) => seen.push(value) > 0 } }, {})
    expect(seen).toEqual([undefined, undefined])
  })

  it('hands the claims in the shape of the schema to a function', () => {
    const requirement = { claims: ({ level }: { level: number }) => level > 1 } as unknown as Requirement<never>
    expect(judge(requirement, { claims: { level: 2 } })).toBe('passes')
    expect(judge(requirement, { claims: { level: 1 } })).toBeInstanceOf(AccessDeniedError)
  })

  it('[REAL-26] takes nothing but true from a function for a yes, and a promise for a mistake of the application', () => {
    for (const answer of [1, 'yes', {}, undefined]) {
      const requirement = { claims: () => answer } as unknown as Requirement<never>
      expect(judge(requirement, {})).toBeInstanceOf(AccessDeniedError)
    }
    const promised = { claims: () => Promise.resolve(true) } as unknown as Requirement<never>
    expect(judge(promised, {})).toBeInstanceOf(InternalError)
  })

  it('is not changed by later changes of the objects it was compiled from', () => {
    const claims: Record<string, string> = { org: 'acme' }
    const acr = ['mfa']
    const plan = ['pro']
    const details = { payment: () => false }
    const compiled = compileRequirement({ acr, claims: { ...claims, plan }, authorizationDetails: details }, context)
    const compiledClaims = compileRequirement({ claims }, context)
    claims['org'] = 'evil'
    acr.push('weak')
    plan.push('free')
    details.payment = () => true
    const judged = (tokenClaims: object) => () =>
      hold(compiled, { tokenClaims: { ...tokenClaims }, claims: {}, scopes: [], roles: [] }, 0)
    expect(judged({ acr: 'weak' })).toThrow(StepUpRequiredError)
    expect(judged({ acr: 'mfa', authorization_details: [{ type: 'payment' }] })).toThrow(InsufficientScopeError)
    expect(() => hold(compiledClaims, { tokenClaims: { org: 'evil' }, claims: {}, scopes: [], roles: [] }, 0)).toThrow(
      AccessDeniedError,
    )
  })

  it('takes the binding modes over', () => {
    expect(compileRequirement({ dpop: 'required', mtls: 'off' }, context)).toMatchObject({
      dpop: 'required',
      mtls: 'off',
    })
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a string', 'read'],
    ['an array', ['read']],
    ['an unknown member', { scopes: 'read' }],
    ['an empty scope', { scope: '' }],
    ['an undefined claim rule, as from a missing environment variable', { claims: { org: undefined } }],
    ['a claim rule that is null', { claims: { org: null } }],
    ['a claim rule that is a pattern', { claims: { org: /acme/ } }],
    ['a claim rule that is not a number', { claims: { level: Number.NaN } }],
    ['an empty list of accepted values', { claims: { org: [] } }],
    ['a list with undefined in it', { claims: { org: ['acme', undefined] } }],
    ['no claim rule at all', { claims: {} }],
    ['claims that are a list', { claims: ['org'] }],
    ['claims that are null', { claims: null }],
    ['claims that are a string', { claims: 'org' }],
    ['a details rule that is undefined', { authorizationDetails: { payment: undefined } }],
    ['a details rule that is an object', { authorizationDetails: { payment: {} } }],
    ['no details rule at all', { authorizationDetails: {} }],
    ['details that are a list', { authorizationDetails: ['payment'] }],
    ['details that are null', { authorizationDetails: null }],
    ['an empty acr', { acr: '' }],
    ['no acr', { acr: [] }],
    ['an acr with a space, of which a challenge would make two', { acr: 'mfa phr' }],
    ['an acr with a quote', { acr: ['a"'] }],
    ['an age that is not whole', { maxAgeSeconds: 1.5 }],
    ['a negative age', { maxAgeSeconds: -1 }],
    ['an age that is text', { maxAgeSeconds: '300' }],
    ['an age that is null', { maxAgeSeconds: null }],
    ['a DPoP mode of another name', { dpop: 'on' }],
    ['a DPoP mode that is false', { dpop: false }],
    ['a DPoP mode that is empty', { dpop: '' }],
    ['an mTLS mode that is null', { mtls: null }],
    ['an allow that is no function', { allow: true }],
  ])('refuses %s', (_what, requirement) => {
    expect(() => compileRequirement(requirement as Requirement<never>, context)).toThrow(ConfigurationError)
  })

  it('[E-12] tells what a rule accepts and what the token has', () => {
    const refusal = (requirement: Requirement<never>, token: Partial<JudgedToken>) => {
      const error = judge(requirement, token) as AuthError
      return { code: error.code, detail: error.detail, expected: error.expected, received: error.received }
    }
    expect(refusal({ scope: ['read', 'write'] }, { scopes: ['read'] })).toEqual({
      code: 'ERR_SCOPE_INSUFFICIENT',
      detail: undefined,
      expected: ['read', 'write'],
      received: ['read'],
    })
    expect(refusal({ roles: { any: ['a', ['b', 'c']] } }, { roles: ['d'] })).toEqual({
      code: 'ERR_ROLE_INSUFFICIENT',
      detail: undefined,
      expected: ['a', 'b', 'c'],
      received: ['d'],
    })
    expect(refusal({ claims: { org: 'acme' } }, { tokenClaims: { org: 'evil' } })).toEqual({
      code: 'ERR_CLAIM_REQUIREMENT',
      detail: 'org',
      expected: ['acme'],
      received: 'evil',
    })
    const authorizationDetails = { payment: () => true, account: () => true }
    const granted = [{ type: 'payment' }, { type: 'other' }]
    expect(refusal({ authorizationDetails }, { tokenClaims: { authorization_details: granted } })).toEqual({
      code: 'ERR_AUTHORIZATION_DETAILS',
      detail: undefined,
      expected: ['payment', 'account'],
      received: ['payment', 'other'],
    })
    expect(refusal({ authorizationDetails }, {})).toMatchObject({ received: [] })
  })

  it('[E-12] takes a boolean and a finite number as the value of a claim', () => {
    expect(judge({ claims: { beta: true, level: 2 } }, { tokenClaims: { beta: true, level: 2 } })).toBe('passes')
    expect(judge({ claims: { beta: true } }, { tokenClaims: { beta: 'true' } })).toBeInstanceOf(AccessDeniedError)
  })

  it('names the function of the application that answered with a promise', () => {
    const promise = () => Promise.resolve(true)
    for (const requirement of [{ claims: promise }, { claims: { org: promise } }]) {
      expect(judge(requirement as never, {})).toMatchObject({ callback: 'claims' })
    }
    const payment = judge({ authorizationDetails: { payment: promise } } as never, {
      tokenClaims: { authorization_details: [{ type: 'payment' }] },
    })
    expect(payment).toMatchObject({ callback: 'authorizationDetails' })
  })

  it('joins the scopes of a challenge by spaces', () => {
    expect(compileRequirement({ scope: ['read', 'write'] }, context).challengeScope).toBe('read write')
  })

  it.each([
    ['Node', { headers: {}, method: 'GET' }],
    ['Koa', { req: {}, method: 'GET' }],
    ['Fetch', new Request('https://api.example.com')],
  ])('says so where a guard was mounted without being called, and given a request of %s', (_what, request) => {
    expect(() => compileRequirement(request as never, context)).toThrow(
      'A guard was given a request in place of a requirement. Call it where you mount it: `requireToken()`, not `requireToken`.',
    )
  })

  it('takes neither null nor a text for a request', () => {
    for (const wrong of [null, 'read']) {
      expect(() => compileRequirement(wrong as never, context), String(wrong)).toThrow(
        /^A requirement must be an object/,
      )
    }
  })

  it.each([{ method: 'GET' }, { headers: {} }, { req: {} }])('does not take %j for a request', (members) => {
    expect(() => compileRequirement(members as never, context)).toThrow(/^A requirement has no /)
  })

  it.each<[string, unknown, string]>([
    ['claims', {}, '`claims` takes an object of rules by claim name, or a function; leave it out for none.'],
    ['claims', { org: null }, '`claims.org` takes a string, a number, a boolean, a list of them, or a function.'],
    [
      'authorizationDetails',
      { payment: () => true, account: true },
      '`authorizationDetails` takes an object of functions by type; leave it out for none.',
    ],
    ['scope', 5, '`scope` takes a string, an array, { all: […] } or { any: […] }.'],
    ['scope', '', '`scope` names no scope; leave it out to demand none.'],
    ['scope', [], '`scope` names no scope; leave it out to demand none.'],
    ['scope', 'a"', '`scope` holds a character no scope may have (RFC 6749 §3.3).'],
    [
      'scope',
      'read,write',
      "`scope` holds a comma. Scopes are separated by spaces: 'read write'. Write ['a,b'] for one scope with a comma in it.",
    ],
  ])('says how to write %s in place of %j', (name, value, message) => {
    expect(() => compileRequirement({ [name]: value } as never, context)).toThrow(message)
  })

  it('suggests the nearest name of a member', () => {
    expect(() => compileRequirement({ scopes: 'read' } as never, context)).toThrow(/Did you mean `scope`\?/)
  })
})
