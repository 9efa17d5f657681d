/** The pages of docs/ in the order in which a reader meets them. A test holds that every page stands here once. */
const page = (text, name) => ({ text, link: `/${name}` })

export const sections = [
  {
    text: 'Start',
    items: [
      page('Getting started', 'getting-started'),
      page('Express', 'express'),
      page('Fastify', 'fastify'),
      page('Koa', 'koa'),
      page('Fetch: Hono, Next.js, Workers', 'fetch'),
      page('NestJS', 'nestjs'),
      page('MCP', 'mcp'),
      page('Decorators', 'decorators'),
      page('Coming from another library', 'migration'),
    ],
  },
  {
    text: 'Guides',
    items: [
      page('Scopes', 'scopes'),
      page('Step-up', 'step-up'),
      page('Rich authorization', 'rich-authorization'),
      page('DPoP and mTLS', 'sender-constrained'),
      page('Opaque tokens', 'opaque-tokens'),
      page('Revocation', 'revocation'),
      page('Token exchange', 'delegation'),
      page('Agents', 'agents'),
      page('Testing', 'testing'),
      page('Deployment', 'deployment'),
      page('Runtimes', 'runtimes'),
      page('Writing an adapter', 'adapters'),
    ],
  },
  {
    text: 'Signing users in',
    items: [
      page('Which login is mine?', 'login'),
      page('Web login and sessions', 'web-login'),
      page('Native and device login', 'native-login'),
      page('User tokens', 'user-tokens'),
      page('Token stores', 'token-stores'),
      page('The OAuth client', 'client'),
    ],
  },
  {
    text: 'How it works',
    items: [
      page('The way of a request', 'concepts/request'),
      page('The life of a key', 'concepts/keys'),
      page('Tokens that are bound', 'concepts/dpop'),
      page('Token exchange', 'concepts/exchange'),
      page('A login', 'concepts/login'),
      page('A session', 'concepts/session'),
      page('One refresh, many processes', 'concepts/refresh'),
      page('The way of an agent', 'concepts/agent'),
    ],
  },
  { text: 'Providers', items: [page('Providers', 'providers')] },
  {
    text: 'Seeing inside',
    items: [
      page('Troubleshooting', 'troubleshooting'),
      page('Observability', 'observability'),
      page('Events', 'events'),
      page('Development page', 'development-page'),
    ],
  },
  {
    text: 'Reference',
    items: [
      page('Options', 'options'),
      page('Errors', 'errors'),
      page('Command', 'command'),
      page('Configuration', 'configuration'),
      page('Limits', 'limits'),
      page('Versions and support', 'versioning'),
    ],
  },
  {
    text: 'Inside',
    collapsed: true,
    items: [
      page('Architecture', 'architecture'),
      page('Dependencies', 'dependencies'),
      page('Performance', 'performance'),
      page('Conformance', 'conformance'),
      page('Conformance, left open', 'conformance-open'),
      page('Features', 'features'),
      page('Proof', 'proof'),
    ],
  },
]
