import { describe, expect, it } from 'vitest'
import {
  type ResourceOptions,
  type ResourceSettings,
  type ResourceSurroundings,
  selectResource,
  toResourceSettings,
} from '../../../src/resource-server/resource.js'

const resource = 'https://api.example.com/a'
const [one, two, three] = ['https://one.test', 'https://two.test', 'https://three.test'] as const
const surroundings: ResourceSurroundings = {
  issuers: [one, two],
  tokenHeaders: new Map([[two, 'x-two']]),
  dpop: 'allowed',
  dpopAlgorithms: ['ES256'],
  mtls: 'off',
  insecureHosts: false,
}
const settings = (given: unknown, more: Partial<ResourceSurroundings> = {}): ResourceSettings =>
  toResourceSettings(given as ResourceOptions, { ...surroundings, ...more })

describe('toResourceSettings', () => {
  it('[PRM-01] takes from the server what a resource leaves open', () => {
    expect(settings(resource)).toEqual({
      ...{ resource, audiences: [resource], issuers: [one, two], onlyIssuers: undefined, scopes: [] },
      ...{ bearerMethods: ['header'], tokenFields: { names: ['x-two'], authorization: true } },
      ...{ dpop: 'allowed', dpopAlgorithms: ['ES256'], mtls: 'off' },
      metadata: { signingAlgorithms: [], authorizationDetailsTypes: [] },
    })
    const own = settings({
      ...{
        resource,
        audience: ['a', 'b'],
        issuers: [two],
        scopes: ['read'],
        bearerMethods: ['body', 'header', 'query'],
      },
      ...{ dpop: 'required', mtls: 'required', metadata: { name: 'API' } },
    })
    expect(own).toMatchObject({
      ...{ audiences: ['a', 'b'], issuers: [two], onlyIssuers: new Set([two]), scopes: ['read'] },
      ...{ bearerMethods: ['body', 'header', 'query'], tokenFields: { names: ['x-two'], authorization: false } },
      ...{ dpop: 'required', mtls: 'required', metadata: { name: 'API' } },
    })
    expect([Object.isFrozen(own), Object.isFrozen(own.tokenFields)]).toEqual([true, true])
    expect(settings(resource, { tokenHeaders: new Map() }).tokenFields).toBeUndefined()
    expect(settings({ resource, issuers: [one] }).tokenFields).toBeUndefined()
    const headers = new Map([one, two].map((issuer) => [issuer, 'x-t']))
    expect(settings(resource, { tokenHeaders: headers }).tokenFields).toEqual({ names: ['x-t'], authorization: false })
  })

  it('takes any issuer of its own where only a live set of tenants knows them', () => {
    expect(settings({ resource, issuers: [three] }, { issuers: undefined }).issuers).toEqual([three])
    expect(settings(resource, { issuers: undefined })).toMatchObject({ issuers: [], tokenFields: undefined })
  })

  const api =
    '`resource` is the https URL that clients know this API by; `api://…` is how Entra ID names it in `aud`. Write ' +
    "`resource: { resource: 'https://api.example.com', audience: 'api://…' }`."
  it.each<[string, unknown, string]>([
    ['no object', 7, 'A resource must be an object.'],
    ['an unknown option', { resource, scope: 'x' }, 'A resource has no option `scope`. Did you mean `scopes`?'],
    ['no identifier', {}, '`resource` takes an absolute https URL'],
    ['an identifier of Entra ID', 'api://1234', api],
    ['an identifier of Entra ID in capitals', { resource: 'API:1234' }, api],
    ['a list with an identifier of Entra ID', { resource: ['api:1234'] }, '`resource` takes an absolute https URL'],
    ['an identifier off https', 'http://api.example.com', '`resource` takes an https URL'],
    ['an empty audience', { resource, audience: [] }, '`audience` takes'],
    ['no issuers', { resource, issuers: [] }, '`issuers` takes'],
    [
      'an issuer the server does not have',
      { resource, issuers: [one, three] },
      "`issuers` of a resource names https://three.test, which the server's `issuer` does not list.",
    ],
    [
      'two scopes in one item',
      { resource, scopes: ['a', 'b c'] },
      '`scopes` takes scopes, one per item, without spaces and quotes (RFC 6749 §3.3).',
    ],
    ['scopes that are no text', { resource, scopes: [7] }, '`scopes` takes'],
    [
      'no header',
      { resource, bearerMethods: ['body'] },
      "`bearerMethods` takes 'header', which is always on, 'body' and",
    ],
    ['an unknown way', { resource, bearerMethods: ['header', 'cookie'] }, "`bearerMethods` takes 'header', which is"],
    ['an unknown mode', { resource, dpop: 'yes' }, "`dpop` takes one of 'off', 'allowed', 'required'"],
    ['an unknown mode for certificates', { resource, mtls: 'yes' }, "`mtls` takes one of 'off', 'allowed', 'required'"],
    ['metadata that is text', { resource, metadata: 'x' }, '`metadata` must be an object.'],
  ])('[REAL-19] refuses %s, and says what to write', (_name, given, message) => {
    expect(() => settings(given)).toThrow(message)
  })

  it('takes `api:` within an identifier for what it is', () => {
    expect(settings('https://api.example/api:x').resource).toBe('https://api.example/api:x')
  })
})

describe('selectResource', () => {
  const [a, b] = [settings(resource), settings('https://api.example.com/b')]

  it('[REAL-23] takes the named one, or the only one, and no other', () => {
    expect([selectResource([a], undefined), selectResource([a, b], b.resource), selectResource([a], resource)]).toEqual(
      [a, b, a],
    )
    const known = "'https://api.example.com/a' or 'https://api.example.com/b'"
    expect(() => selectResource([a, b], undefined)).toThrow(
      `This server guards several resources: name the route's one, as in \`resource: ${known}\`.`,
    )
    expect(() => selectResource([a, b], 'https://api.example.com')).toThrow(
      `\`resource\` names an unknown resource; write ${known}.`,
    )
    expect(() => selectResource([a], 'https://api.example.com')).toThrow('`resource` names an unknown resource; write')
  })
})
