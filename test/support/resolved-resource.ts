import type { ResourceSettings } from '../../src/resource-server/resource.js'

/** A resource as resolved options describe it, with the defaults of the library. */
export function resolvedResource(resource: string, settings: Partial<ResourceSettings> = {}): ResourceSettings {
  return {
    resource,
    audiences: [resource],
    issuers: ['https://issuer.test'],
    onlyIssuers: undefined,
    scopes: [],
    bearerMethods: ['header'],
    dpop: 'off',
    dpopAlgorithms: ['ES256', 'PS256'],
    mtls: 'allowed',
    metadata: {},
    ...settings,
  }
}
