import { describe, expect, it } from 'vitest'
import { resourceMetadata } from '../../../../src/resource-server/metadata/resource-metadata.js'
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
