import { existsSync, readdirSync, readFileSync } from 'node:fs'

/**
 * The pages of docs/ in the order in which a reader meets them. A test holds that every page stands here once. A section with
 * a `folder` is shown whole beside the pages of that folder; elsewhere its first page stands for it.
 */
const page = (text, name) => ({ text, link: `/${name}` })

/** What `npm run bench` writes below the page on performance, by the titles it gave. */
const figures = new URL('../performance/', import.meta.url)
const figurePages = (existsSync(figures) ? readdirSync(figures) : [])
  .filter((name) => name.endsWith('.md'))
  .map((name) => {
    const [title = ''] = readFileSync(new URL(name, figures), 'utf8').split('\n')
    return page(title.replace(/^# /, ''), `performance/${name.replace(/\.md$/, '')}`)
  })

export const sections = [
  {
    text: 'Quick start',
    items: [
      page('Getting started', 'getting-started'),
      page('Next steps', 'next-steps'),
      page('Portcullis and its peers', 'comparison'),
      page('Thirty questions', 'questions'),
    ],
  },
  {
    text: 'Frameworks',
    items: [
      page('Express', 'express'),
      page('Fastify', 'fastify'),
      page('Koa', 'koa'),
      page('Fetch: Hono, Next.js, Workers', 'fetch'),
      page('NestJS', 'nestjs'),
      page('NestJS: sockets, queues, GraphQL', 'nestjs-sockets'),
      page('NestJS: signing users in', 'nestjs-login'),
      page('MCP servers', 'mcp'),
      page('MCP tools and sessions', 'mcp-tools'),
      page('MCP clients', 'mcp-client'),
      page('Decorators', 'decorators'),
      page('Writing an adapter', 'adapters'),
    ],
  },
  {
    text: 'Guides: APIs',
    items: [
      page('Scopes and roles', 'scopes'),
      page('Step-up', 'step-up'),
      page('Rich authorization', 'rich-authorization'),
      page('Sender-constrained tokens', 'sender-constrained'),
      page('DPoP', 'dpop-proofs'),
      page('Client certificates', 'client-certificates'),
      page('Opaque tokens', 'opaque-tokens'),
      page('Revocation and logout', 'revocation'),
      page('Calling other services', 'delegation'),
      page('When an exchange fails', 'delegation-failures'),
      page('Delegation and impersonation', 'delegation-actors'),
      page('The cache of exchanged tokens', 'delegation-cache'),
      page('From agent to agent', 'agents'),
    ],
  },
  {
    text: 'Guides: signing users in',
    items: [
      page('Which login is mine?', 'login'),
      page('Web login', 'web-login'),
      page('Calling APIs for a signed-in user', 'web-login-apis'),
      page('Web login in several processes', 'web-login-fleet'),
      page('Pages of web login', 'web-login-pages'),
      page('Native and device login', 'native-login'),
      page('Tokens of users', 'user-tokens'),
      page('How a refresh goes', 'user-tokens-refresh'),
      page('Token stores', 'token-stores'),
      page('The OAuth client', 'client'),
      page('Credentials of a client', 'client-credentials'),
      page('Logins by the client', 'client-logins'),
    ],
  },
  {
    text: 'How-tos',
    items: [
      page('Test your API', 'testing'),
      page('Deploy behind proxies', 'deployment'),
      page('See why a token was refused', 'explain'),
      page('Watch requests in the browser', 'development-page'),
      page('Answer health probes', 'health'),
      page('Metrics, traces and alerts', 'observability'),
      page('Use another runtime or tool', 'runtimes'),
    ],
  },
  {
    text: 'Coming from another library',
    folder: '/migration/',
    items: [
      page('What is the same for all', 'migration/'),
      page('jose, by hand', 'migration/jose'),
      page('passport-jwt', 'migration/passport-jwt'),
      page('express-oauth2-jwt-bearer', 'migration/express-oauth2-jwt-bearer'),
      page('express-jwt', 'migration/express-jwt'),
      page('@fastify/jwt', 'migration/fastify-jwt'),
      page('koa-jwt', 'migration/koa-jwt'),
      page('requireBearerAuth of the MCP SDK', 'migration/mcp-sdk'),
      page('express-openid-connect', 'migration/express-openid-connect'),
      page('Auth.js', 'migration/auth-js'),
      page('passport', 'migration/passport'),
    ],
  },
  {
    text: 'Concepts',
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
  {
    text: 'Providers',
    folder: '/providers/',
    items: [
      page('Name your provider', 'providers/'),
      page('Keycloak', 'providers/keycloak'),
      page('Auth0', 'providers/auth0'),
      page('Okta', 'providers/okta'),
      page('Microsoft Entra ID', 'providers/entra'),
      page('Amazon Cognito', 'providers/cognito'),
      page('Clerk', 'providers/clerk'),
      page('Supabase', 'providers/supabase'),
      page('Firebase', 'providers/firebase'),
      page('WorkOS', 'providers/workos'),
      page('Ory Hydra', 'providers/hydra'),
      page('Zitadel', 'providers/zitadel'),
      page('authentik', 'providers/authentik'),
      page('Duende IdentityServer', 'providers/duende'),
      page('Spring Authorization Server', 'providers/spring'),
      page('Servers that follow RFC 9068', 'providers/rfc9068'),
      page('Google service accounts', 'providers/google-service-accounts'),
      page('GitHub Actions', 'providers/github-actions'),
      page('GitHub, users of an app', 'providers/github'),
      page('GitLab CI', 'providers/gitlab-ci'),
      page('Kubernetes', 'providers/kubernetes'),
      page('SPIFFE', 'providers/spiffe'),
      page('Cloudflare Access', 'providers/cloudflare-access'),
      page('Google IAP', 'providers/google-iap'),
      page('What each preset sets', 'providers/presets'),
      page('Presets against real servers', 'providers/real-servers'),
    ],
  },
  {
    text: 'Command and configuration',
    items: [
      page('The command', 'command'),
      page('Commands and flags', 'command-reference'),
      page('Configuration', 'configuration'),
    ],
  },
  {
    text: 'Errors and troubleshooting',
    items: [
      page('Why is it 401, 403 or 503?', 'troubleshooting'),
      page('Playground', 'playground'),
      page('The set-up', 'troubleshooting-set-up'),
      page('Tokens and logins', 'troubleshooting-client'),
      page('Errors', 'errors'),
      page('Errors of the client', 'client-errors'),
    ],
  },
  {
    text: 'Reference',
    items: [
      page('Options', 'options'),
      page('Events', 'events'),
      page('Limits', 'limits'),
      page('Versions and support', 'versioning'),
    ],
  },
  {
    text: 'Performance and conformance',
    items: [
      page('Performance', 'performance'),
      ...figurePages,
      page('Instructions of the hot path', 'instructions'),
      page('Conformance', 'conformance'),
      page('What is left open', 'conformance-open'),
      page('Features, one by one', 'features'),
      page('Proof', 'proof'),
      page('Faults', 'proof/faults'),
      page('A fleet', 'proof/fleet'),
      page('Mutation score', 'proof/mutation'),
    ],
  },
  {
    text: 'For contributors',
    items: [page('Architecture', 'architecture'), page('Dependencies', 'dependencies')],
  },
]
