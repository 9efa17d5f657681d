import { type ContractRow, metadataPath, resource } from './contract-row.js'

/** The metadata document (RFC 9728). */
export const metadataRows: readonly ContractRow[] = [
  {
    title:
      '[PRM-02] [PRM-03] [PRM-11] [PRM-12] [PRM-13] [MCP-03] [S3-23] serves the metadata document at the origin root',
    request: () => ({ path: metadataPath }),
    status: 200,
    fields: {
      'Content-Type': ['application/json'],
      'Cache-Control': ['public, max-age=3600'],
      'Access-Control-Allow-Origin': ['*'],
    },
    body: {
      resource,
      authorization_servers: ['https://issuer.test'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['ES256', 'PS256'],
    },
  },
  {
    title: '[PRM-17] does not let Host into the document',
    request: () => ({ path: metadataPath, fields: [['X-Forwarded-Host', 'evil.example']] }),
    status: 200,
    check: ({ body }) => {
      if (/evil|127\.0\.0\.1/.test(body)) throw new Error(`a host of the request is in ${body}`)
    },
  },
  {
    title: '[REAL-37] serves the metadata of a second server too',
    request: () => ({ path: '/.well-known/oauth-protected-resource/second' }),
    status: 200,
    fields: { 'Content-Type': ['application/json'], 'Access-Control-Allow-Origin': ['*'] },
    check: ({ body }) => {
      if (JSON.parse(body).resource !== 'https://api.example.com/second') throw new Error(body)
    },
  },
  {
    title: '[PRM-13] [REAL-37] leaves the metadata of other resources to the application',
    request: () => ({ path: '/.well-known/oauth-protected-resource/other' }),
    status: 404,
  },
  {
    title: '[ADP-06] answers HEAD for the metadata',
    request: () => ({ method: 'HEAD', path: metadataPath }),
    status: 200,
    body: '',
  },
  {
    title: '[PRM-12] answers preflights for the metadata',
    request: () => ({ method: 'OPTIONS', path: metadataPath, fields: [['Access-Control-Request-Method', 'GET']] }),
    status: 204,
    fields: { 'Access-Control-Allow-Origin': ['*'], 'Access-Control-Allow-Methods': ['GET, HEAD, OPTIONS'] },
    body: '',
  },
  {
    title: '[PRM-12] refuses to have the metadata written',
    request: () => ({ method: 'POST', path: metadataPath }),
    status: 405,
    fields: { Allow: ['GET, HEAD, OPTIONS'] },
  },
  {
    title: '[PRM-11] tells a client that its copy of the metadata is still good',
    request: () => ({ path: metadataPath, fields: [['If-None-Match', '*']] }),
    status: 304,
    body: '',
  },
]
