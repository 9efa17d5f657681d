import { describe, expect, it } from 'vitest'
import {
  checkResourceMetadata,
  type ResourceMetadataOptions,
  resourceMetadata,
} from '../../../../src/resource-server/metadata/resource-metadata.js'
import { resolvedResource } from '../../../support/resolved-resource.js'

const identifier = 'https://API.example.com:443/mcp'

describe('resourceMetadata', () => {
  it('[PRM-03] [PRM-04] [MCP-01] holds the identifier byte for byte and no member without a value', () => {
    expect(resourceMetadata(resolvedResource(identifier))).toEqual({
      resource: identifier,
      authorization_servers: ['https://issuer.test'],
      bearer_methods_supported: ['header'],
    })
    const empty = {
      name: '',
      documentation: '',
      signingAlgorithms: [],
      authorizationDetailsTypes: [],
      localizedNames: {},
    }
    expect(Object.keys(resourceMetadata(resolvedResource(identifier, { issuers: [], metadata: empty })))).toEqual([
      'resource',
      'bearer_methods_supported',
    ])
  })

  it('[PRM-05] [DPOP-26] publishes every member of RFC 9728 from the settings', () => {
    const resource = resolvedResource(identifier, {
      scopes: ['mail:read', 'offline_access', 'mail:send'],
      bearerMethods: ['header', 'body'],
      dpop: 'required',
      mtls: 'required',
      metadata: {
        name: 'Mail',
        documentation: 'https://docs.example',
        policyUri: 'https://docs.example/policy',
        tosUri: 'https://docs.example/tos',
        jwksUri: 'https://api.example.com/jwks',
        signingAlgorithms: ['ES256', 'none'],
        authorizationDetailsTypes: ['payment'],
      },
    })
    expect(resourceMetadata(resource)).toEqual({
      resource: identifier,
      authorization_servers: ['https://issuer.test'],
      jwks_uri: 'https://api.example.com/jwks',
      scopes_supported: ['mail:read', 'mail:send'],
      bearer_methods_supported: ['header', 'body'],
      resource_signing_alg_values_supported: ['ES256'],
      resource_name: 'Mail',
      resource_documentation: 'https://docs.example',
      resource_policy_uri: 'https://docs.example/policy',
      resource_tos_uri: 'https://docs.example/tos',
      tls_client_certificate_bound_access_tokens: true,
      authorization_details_types_supported: ['payment'],
      dpop_signing_alg_values_supported: ['ES256', 'PS256'],
      dpop_bound_access_tokens_required: true,
    })
  })

  it('[MCP-04] leaves the scope list out when nothing but offline_access would be in it', () => {
    expect(resourceMetadata(resolvedResource(identifier, { scopes: ['offline_access'] }))).not.toHaveProperty(
      'scopes_supported',
    )
  })

  it('[PRM-05] names DPoP algorithms as soon as DPoP is accepted, and promises no client certificates', () => {
    const document = resourceMetadata(resolvedResource(identifier, { dpop: 'allowed', mtls: 'allowed' }))
    expect(document['dpop_signing_alg_values_supported']).toEqual(['ES256', 'PS256'])
    expect(document).not.toHaveProperty('dpop_bound_access_tokens_required')
    expect(document).not.toHaveProperty('tls_client_certificate_bound_access_tokens')
  })

  it('[PRM-06] publishes names by language, and one for readers of none of them', () => {
    const localizedNames = { it: 'Posta', 'pt-BR': 'Correio' }
    const named = resourceMetadata(resolvedResource(identifier, { metadata: { name: 'Mail', localizedNames } }))
    expect(named).toMatchObject({
      resource_name: 'Mail',
      'resource_name#it': 'Posta',
      'resource_name#pt-BR': 'Correio',
    })
    const unnamed = resourceMetadata(resolvedResource(identifier, { metadata: { localizedNames } }))
    expect(unnamed['resource_name']).toBe('Posta')
  })
})

describe('checkResourceMetadata', () => {
  const check = (given: unknown) => checkResourceMetadata(given as ResourceMetadataOptions, false)

  it.each<[string, unknown, string]>([
    ['no object', 7, '`metadata` must be an object.'],
    ['an unknown member', { title: 'x' }, '`metadata` has no option `title`.'],
    ['an empty name', { name: '' }, '`metadata.name` takes a non-empty string.'],
    [
      'names in a list',
      { localizedNames: ['x'] },
      '`metadata.localizedNames` takes an object of names by language tag.',
    ],
    ['a name that is empty', { localizedNames: { it: 'Posta', en: '' } }, '`metadata.localizedNames` takes'],
    ['a name that is no text', { localizedNames: { it: 'Posta', en: 7 } }, '`metadata.localizedNames` takes'],
    ['a documentation that is no URL', { documentation: 'docs' }, '`metadata.documentation` takes'],
    ['a policy off https', { policyUri: 'http://docs.example' }, '`metadata.policyUri` takes an https URL'],
    ['terms off https', { tosUri: 'http://docs.example' }, '`metadata.tosUri` takes an https URL'],
    ['keys off https', { jwksUri: 'http://docs.example' }, '`metadata.jwksUri` takes an https URL'],
    ['algorithms that are none', { signingAlgorithms: [] }, '`metadata.signingAlgorithms` takes'],
    [
      'none',
      { signingAlgorithms: ['ES256', 'none'] },
      '`metadata.signingAlgorithms` must not hold none (RFC 9728 §2).',
    ],
    ['types that are no text', { authorizationDetailsTypes: [7] }, '`metadata.authorizationDetailsTypes` takes'],
    ['a signature', { sign: 'a.b.c' }, '`metadata.sign` takes a function.'],
    [
      'a relative path',
      { metadataAt: 'docs/metadata' },
      '`metadata.metadataAt` takes a path that starts with a slash.',
    ],
    ['a path that is no text', { metadataAt: ['/x'] }, '`metadata.metadataAt` takes a path'],
    ['a path with a query', { metadataAt: '/x?y' }, '`metadata.metadataAt` takes a path'],
    ['a path with a fragment', { metadataAt: '/x#y' }, '`metadata.metadataAt` takes a path'],
    ['a path with a space', { metadataAt: '/x y' }, '`metadata.metadataAt` takes a path'],
    ['a root in words', { atRoot: 'yes' }, '`metadata.atRoot` takes true or false.'],
    [
      'a lifetime of years',
      { maxAgeSeconds: 31_536_001 },
      '`metadata.maxAgeSeconds` takes a whole number from 0 to 31536000.',
    ],
    ['a lifetime below zero', { maxAgeSeconds: -1 }, '`metadata.maxAgeSeconds` takes'],
  ])('[REAL-19] refuses %s, and says what would be right', (_name, given, message) => {
    expect(() => check(given)).toThrow(message)
  })

  it('[REAL-19] keeps a copy of what is right, frozen', () => {
    const localizedNames: Record<string, string> = { it: 'Posta' }
    const signingAlgorithms = ['ES256']
    const checked = check({ localizedNames, signingAlgorithms, metadataAt: '/a/b', maxAgeSeconds: 0, atRoot: false })
    localizedNames['it'] = 'Mail'
    signingAlgorithms.push('none')
    expect(checked).toEqual({
      ...{ localizedNames: { it: 'Posta' }, signingAlgorithms: ['ES256'], authorizationDetailsTypes: [] },
      ...{ metadataAt: '/a/b', maxAgeSeconds: 0, atRoot: false },
    })
    expect([Object.isFrozen(checked), Object.isFrozen(checked.localizedNames)]).toEqual([true, true])
    expect(check(undefined)).toEqual({ signingAlgorithms: [], authorizationDetailsTypes: [] })
  })

  it('[PRM-05] publishes every way to send a token but one that a proxy has no use for', () => {
    const methods = (authorization: boolean) =>
      resourceMetadata(
        resolvedResource(identifier, {
          bearerMethods: ['header', 'body'],
          tokenFields: { names: ['x-t'], authorization },
        }),
      )['bearer_methods_supported']
    expect([methods(true), methods(false)]).toEqual([['header', 'body'], ['body']])
  })
})
