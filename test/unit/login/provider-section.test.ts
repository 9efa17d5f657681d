import { createProvider, oidc } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { serverIdOfSection } from '../../../src/login/provider-section.js'

describe('the server of a section', () => {
  it('is that of the provider it describes', () => {
    const section = { issuer: 'https://as.example.com', clientId: 'app' }
    const { serverId } = createProvider(oidc({ name: 'corporate', ...section }))
    expect(serverId).toContain('https://as.example.com')
    expect(serverIdOfSection('corporate', section)).toBe(serverId)
  })

  it('is none where the section cannot be right', () => {
    expect(() => serverIdOfSection('corporate', { issuer: 'http://as.example.com', clientId: 'app' })).toThrow(
      expect.objectContaining({ name: 'ConfigurationError' }),
    )
  })
})
