import { createResourceServer } from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { createDpopClient, createTestIssuer } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { readServerState } from '../../../src/inspector/server-state.js'
import { insightOf } from '../../../src/resource-server/insight.js'

const issuer = createTestIssuer()
type Options = Parameters<typeof createResourceServer>[0]

function stateOf(options: Partial<Options>) {
  const server = createResourceServer({ issuer: issuer.issuer, fetch: issuer.fetch, ...options } as Options)
  const insight = insightOf(server)
  if (insight === undefined) throw new Error('no insight')
  return readServerState(server, insight)
}

const api = 'https://api.example'

describe('what the development page tells of a server', () => {
  it('is how it is set up where little was said', () => {
    expect(stateOf({ resource: api })).toEqual({
      resources: [api],
      metadata: [`${api}/.well-known/oauth-protected-resource`],
      ready: false,
      issuers: [{ issuer: issuer.issuer, state: 'empty', keyCount: 0, keys: [] }],
      caches: [
        ['verified tokens', '0 of at most 10000'],
        ['replay store', 'memory'],
        ['revocation store', 'memory'],
      ],
      settings: [
        ['issuers', '1'],
        [`audience of ${api}`, api],
        [`bearerMethods of ${api}`, 'header'],
        [`dpop, mtls of ${api}`, 'allowed, allowed'],
        ['dpop.targetOrigin', 'resource'],
        ['dpop.pathPrefix', 'none'],
        ['dpop.nonce', 'off'],
        ['dpop.replayStore', 'memory'],
        ['mtls.certificateFrom', 'connection'],
        ['trustedProxies', 'none'],
        ['revocationStore', 'memory'],
        ['revocationTtlSeconds', '86400'],
        ['implies', 'none'],
        ['cors', 'true'],
        ['explainRefusals', 'false'],
      ],
      warnings: [
        'Used proofs are remembered by this process alone: several instances need `dpop.replayStore`.',
        'Revocations are kept by this process alone: several instances need `revocationStore`.',
      ],
    })
  })

  it('is twenty issuers with twenty keys each, and how many there are', () => {
    const { publicJwk } = createDpopClient()
    const keys = Array.from({ length: 22 }, (_, at) => ({ ...publicJwk, kid: `k${at}` }))
    const credential = clientSecretBasic({ clientId: 'c', clientSecret: 'canary' })
    const issuers = Array.from({ length: 22 }, (_, at) => ({
      ...{ issuer: `https://id-${at}.example`, keys, introspection: { credential } },
    }))
    const resources = issuers.map(({ issuer }, at) => ({ resource: `${api}/${at}`, issuers: [issuer] }))
    const state = stateOf({
      ...{
        resource: resources as never,
        issuer: issuers,
        dangerouslyAllowInsecureHosts: ['keycloak:8080', 'hydra:4444'],
      },
    })
    expect(state.issuers.map(({ issuer, keyCount, keys: shown }) => [issuer, keyCount, shown.length])).toEqual(
      issuers.slice(0, 20).map(({ issuer }) => [issuer, 22, 20]),
    )
    expect(state.caches.filter(([name]) => name.startsWith('introspection at'))).toHaveLength(20)
    expect(state.settings[0]).toEqual(['issuers', '22'])
    expect(state.warnings).toContain('`dangerouslyAllowInsecureHosts` names keycloak:8080, hydra:4444.')
    expect(JSON.stringify(state)).not.toContain('canary')
  })

  it('is what was chosen, and what is dangerous in it, without a secret', () => {
    const state = stateOf({
      resource: [{ resource: api, audience: ['a', 'b'], bearerMethods: ['header', 'query'] }, `${api}/b`] as never,
      issuer: { issuer: issuer.issuer, dangerouslyUnknownConfirmation: 'ignore' },
      dpop: {
        pathPrefix: '/api',
        nonce: { secrets: ['canary-secret-of-at-least-thirty-two-bytes'] },
        replayStore: { reserve: async () => true },
        dangerouslyAllowReplayWhenStoreFails: true,
      },
      revocationStore: { revoke: async () => {}, revokedAt: async () => [] },
      implies: { write: 'read' },
      trustedProxies: ['10.0.0.1', '10.0.0.2'] as never,
      allowInsecureLoopback: true,
    })
    expect(state.resources).toEqual([api, `${api}/b`])
    expect(state.caches.slice(1)).toEqual([
      ['replay store', 'shared'],
      ['revocation store', 'shared'],
    ])
    expect(Object.fromEntries(state.settings)).toMatchObject({
      [`audience of ${api}`]: 'a, b',
      [`bearerMethods of ${api}`]: 'header, query',
      'dpop.pathPrefix': '/api',
      'dpop.nonce': 'for 300 s',
      'dpop.replayStore': 'shared',
      trustedProxies: '10.0.0.1, 10.0.0.2',
      revocationStore: 'shared',
      implies: '1 scopes',
    })
    expect(state.warnings).toEqual([
      '`dangerouslyAllowReplayWhenStoreFails` is on.',
      '`allowInsecureLoopback` is on.',
      `\`dangerouslyUnknownConfirmation\` of ${issuer.issuer} is "ignore".`,
      `Tokens of ${api} may come in the query, which ends up in logs.`,
    ])
    expect(JSON.stringify(state)).not.toContain('canary')
  })
})
