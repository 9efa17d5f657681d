import { AsyncLocalStorage } from 'node:async_hooks'
import type { Requirement, ResourceServerOptions } from '../../src/index.js'
import { type Contender, compare } from '../measure/compare.js'
import { createResourceServer, InvalidTokenError, requestFacts } from '../package-under-test.js'
import { audience, createBenchIssuer, mintToken, scope } from '../set-up/issuer.js'
import type { Suite } from './suite.js'
import { tableOf } from './tokens.js'

/** What each thing a route or a server may ask for costs a request with a token seen before; and what refusing costs. */
export const options: Suite = async ({ pace }) => {
  const rows = Object.entries(demands).map(([name, [requirement, settings]]) => guarded(name, requirement, settings))
  const measured = await compare(rows, pace)
  const refused = await compare(refusals(), pace)
  const storage = await compare(storageContenders(), pace)
  return {
    tables: [
      tableOf('options', 'Repeated token, by what is demanded of it', measured, 'nothing demanded'),
      tableOf('refusals', 'Refusing, challenge included', refused, 'no token'),
      tableOf('async-local-storage', 'A handler of three awaits', storage, 'plain'),
    ],
    verdicts: [],
  }
}

type Settings = Partial<ResourceServerOptions>

const nested = { all: ['openid', { any: ['admin', { all: ['profile', 'email'] }, 'calendar:write'] }] } as const

const demands: Readonly<Record<string, readonly [Requirement, Settings?]>> = {
  'nothing demanded': [{}],
  'one scope': [{ scope }],
  'three scopes': [{ scope: 'openid profile email' }],
  'nested scope expression': [{ scope: nested }],
  'scope implied by another': [{ scope: 'email:read' }, { implies: { email: ['email:read'] } }],
  'claim rule': [{ claims: { tenant: 'acme' } }],
  'claim function': [{ claims: (claims) => (claims as { tenant?: unknown }).tenant === 'acme' }],
  'acr and max age': [{ acr: ['mfa', 'phr'], maxAgeSeconds: 31_536_000 }],
  'authorization details': [{ authorizationDetails: { payment: ({ actions }) => Array.isArray(actions) } }],
  'allow, synchronous': [{ allow: () => true }],
  'allow, asynchronous': [{ allow: async () => true }],
  'isRevoked, synchronous': [{}, { isRevoked: () => false }],
  'event listener': [{}, { onEvent: () => {} }],
  'form and query searched too': [{}, { resource: { resource: audience, bearerMethods: ['header', 'body', 'query'] } }],
}

function guarded(name: string, requirement: Requirement, settings: Settings = {}): Contender {
  const issuer = createBenchIssuer()
  const server = createResourceServer({ resource: audience, issuer: issuer.issuer, fetch: issuer.fetch, ...settings })
  const claims = {
    acr: 'mfa',
    auth_time: Math.floor(Date.now() / 1000) - 60,
    authorization_details: [{ type: 'payment', actions: ['read'] }],
  }
  const token = mintToken(issuer, 'RS256', claims)
  const facts = requestFacts({ url: '/me', headers: { authorization: `Bearer ${token}` } })
  const guard = server.guard(requirement)
  return {
    name,
    isAsync: true,
    async run() {
      const result = await guard(facts)
      if (!result.ok) throw result.error
    },
  }
}

function refusals(): readonly Contender[] {
  const issuer = createBenchIssuer()
  const server = createResourceServer({ resource: audience, issuer: issuer.issuer, fetch: issuer.fetch })
  const guard = server.guard({ scope: 'admin' })
  const refused = (name: string, headers: Record<string, string>): Contender => {
    const facts = requestFacts({ url: '/me', headers })
    return {
      name,
      isAsync: true,
      async run() {
        if ((await guard(facts)).ok) throw new Error('let through')
      },
    }
  }
  const expired = issuer.mintToken({ aud: audience }, { algorithm: 'RS256', lifetimeSeconds: -600 })
  return [
    refused('no token', {}),
    refused('another scope than the one demanded', { authorization: `Bearer ${mintToken(issuer, 'RS256')}` }),
    refused('expired token', { authorization: `Bearer ${expired}` }),
    refused('junk', { authorization: 'Bearer junk' }),
    { name: 'building a challenge alone', run: () => server.refuse(new InvalidTokenError('ERR_TOKEN_EXPIRED')) },
  ]
}

/** Node 20 follows every promise of a process in which such a storage runs, so that `plain` has to switch it off. */
function storageContenders(): readonly Contender[] {
  const storage = new AsyncLocalStorage<object>()
  const auth = {}
  const handler = async () => {
    await undefined
    await undefined
    await undefined
  }
  return [
    { name: 'plain', isAsync: true, prepare: () => storage.disable(), run: handler },
    { name: 'under AsyncLocalStorage', isAsync: true, run: () => storage.run(auth, handler) },
  ]
}
