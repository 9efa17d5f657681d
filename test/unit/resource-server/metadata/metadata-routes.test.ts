import { describe, expect, it } from 'vitest'
import { protectedResourceMetadataUrl } from '../../../../src/resource-server/metadata/metadata-routes.js'

describe('protectedResourceMetadataUrl', () => {
  it.each([
    ['https://resource.example.com', 'https://resource.example.com/.well-known/oauth-protected-resource'],
    [
      'https://resource.example.com/resource1',
      'https://resource.example.com/.well-known/oauth-protected-resource/resource1',
    ],
    ['https://example.com/public/mcp', 'https://example.com/.well-known/oauth-protected-resource/public/mcp'],
    ['https://resource.example.com/', 'https://resource.example.com/.well-known/oauth-protected-resource'],
    ['https://resource.example.com/api/', 'https://resource.example.com/.well-known/oauth-protected-resource/api/'],
    [
      'https://resource.example.com/api?tenant=1',
      'https://resource.example.com/.well-known/oauth-protected-resource/api?tenant=1',
    ],
    [
      'https://resource.example.com/?tenant=1',
      'https://resource.example.com/.well-known/oauth-protected-resource?tenant=1',
    ],
    [
      'https://resource.example.com:8443/a/b',
      'https://resource.example.com:8443/.well-known/oauth-protected-resource/a/b',
    ],
  ])('[PRM-02] [V-10] [S3-26] puts the metadata of %s at %s', (resource, url) => {
    expect(protectedResourceMetadataUrl(resource)).toBe(url)
  })

  it('[PRM-04] [C-07] rewrites nothing: case, default ports, dots and escapes stay', () => {
    expect(protectedResourceMetadataUrl('https://API.example:443/a/../%7eB?x=/?y')).toBe(
      'https://API.example:443/.well-known/oauth-protected-resource/a/../%7eB?x=/?y',
    )
    expect(protectedResourceMetadataUrl('https://api.example?tenant=1')).toBe(
      'https://api.example/.well-known/oauth-protected-resource?tenant=1',
    )
  })
})
