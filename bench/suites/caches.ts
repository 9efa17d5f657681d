import type { Auth, GrantClient } from '../../src/index.js'
import {
  createTokenEndpoint,
  oauth4webapiExchange,
  openidClient,
  portcullisClient,
} from '../contenders/token-clients.js'
import { type Contender, compare, named, speedRatio } from '../measure/compare.js'
import { pairedRatio } from '../measure/statistics.js'
import { createGrants, createResourceServer, peer, requestFacts, withGrants } from '../package-under-test.js'
import { audience, createBenchIssuer, mintToken, scope } from '../set-up/issuer.js'
import type { Suite } from './suite.js'
import { tableOf } from './tokens.js'

const downstream = 'https://calendar.example.com'

/** What is answered from a cache: an introspected token, an exchanged one. */
export const caches: Suite = async ({ pace }) => {
  const measured = await compare(
    [repeatedJwt(), introspected(), await introspectedAnew(), ...(await grantContenders())],
    pace,
  )
  const added = named(measured, 'handler with one cached grant').rounds.map(
    (micros, round) => micros - (named(measured, 'handler without grants').rounds[round] as number),
  )
  const exchanged = await compare(await exchangeContenders(), pace)
  const faster = (one: string, other: string) => speedRatio(exchanged, one, other).median
  return {
    tables: [
      tableOf('caches', 'From a cache', measured, 'repeated JWT'),
      {
        ...tableOf('exchange', 'A token for a downstream service (RFC 8693)', exchanged, exchangedAnew.openid),
        notes: [
          'Portcullis exchanges by openid-client. What it adds: a time limit for the call and one for each attempt, which take 6 to 8 µs by themselves on Node 20; a bound on the answer, which is read before openid-client sees it; repetitions, the circuit and events; and further checks of the answer.',
        ],
      },
    ],
    verdicts: [
      {
        target: 'A grant served from the cache adds',
        figure: pairedRatio(
          added,
          added.map(() => 1),
        ).median,
        unit: 'µs',
        atMost: 3,
      },
      {
        target: 'Exchanged before, to openid-client, which exchanges each time',
        figure: faster(exchangedBefore, exchangedAnew.openid),
        unit: '×',
        atLeast: 10,
      },
    ],
  }
}

const exchangedBefore = 'portcullis, exchanged before'
const exchangedAnew = {
  own: 'portcullis, exchanging each time',
  openid: 'openid-client, exchanging each time',
  oauth: 'oauth4webapi, exchanging each time',
}

/** The answer is at hand, so that no network takes part. Peers keep no exchanged token. */
async function exchangeContenders(): Promise<readonly Contender[]> {
  const endpoint = createTokenEndpoint((n) => ({
    access_token: `downstream-${n}`,
    token_type: 'Bearer',
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    expires_in: 3600,
  }))
  const client = portcullisClient(endpoint)
  const openid = await openidClient(endpoint)
  const oauth = await oauth4webapiExchange(endpoint)
  const parameters = (turn: number) => ({
    subject_token: `subject-${turn}`,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: downstream,
  })
  const [, cached] = (await grantContenders()) as [Contender, Contender]
  return [
    { ...cached, name: exchangedBefore },
    {
      name: exchangedAnew.own,
      isAsync: true,
      run: (turn) => client.exchangeToken({ subjectToken: `subject-${turn}`, resource: downstream }),
    },
    { name: exchangedAnew.openid, isAsync: true, run: (turn) => openid.exchange(parameters(turn)) },
    { name: exchangedAnew.oauth, isAsync: true, run: (turn) => oauth(parameters(turn)) },
  ]
}

function repeatedJwt(): Contender {
  const issuer = createBenchIssuer()
  const server = createResourceServer({ resource: audience, issuer: issuer.issuer, fetch: issuer.fetch })
  return authenticated('repeated JWT', server, mintToken(issuer, 'RS256'))
}

function introspected(): Contender {
  const issuer = createBenchIssuer()
  const headers = { authorization: `Basic ${Buffer.from('test-client:test-secret').toString('base64')}` }
  const introspection = { credential: { authenticate: () => ({ headers }) } }
  const options = { issuer: issuer.issuer, introspection }
  const server = createResourceServer({ resource: audience, issuer: options, fetch: issuer.fetch })
  const token = issuer.mintOpaqueToken({ scope: `openid ${scope}`, aud: audience })
  return authenticated('repeated opaque token, introspected before', server, token)
}

/** A peer without a cache of its own: it asks for each request. The answer is at hand, so that no network takes part. */
async function introspectedAnew(): Promise<Contender> {
  const library = await peer<typeof import('oauth4webapi')>('oauth4webapi')
  const issuer = 'https://login.example.com'
  const server = { issuer, introspection_endpoint: `${issuer}/introspect` }
  const client = { client_id: 'test-client' }
  const credential = library.ClientSecretBasic('test-secret')
  const answer = { active: true, scope: `openid ${scope}`, aud: audience, sub: 'user', iss: issuer }
  const options = { [library.customFetch]: async () => Response.json(answer) }
  return {
    name: 'oauth4webapi, introspecting each time',
    isAsync: true,
    async run() {
      const response = await library.introspectionRequest(server, client, credential, 'opaque-token', options as never)
      const { active } = await library.processIntrospectionResponse(server, client, response)
      if (!active) throw new Error('inactive')
    },
  }
}

function authenticated(name: string, server: ReturnType<typeof createResourceServer>, token: string): Contender {
  const facts = requestFacts({ url: '/me', headers: { authorization: `Bearer ${token}` } })
  const requirement = { scope }
  return {
    name,
    isAsync: true,
    async run() {
      const result = await server.authenticate(facts, requirement)
      if (!result.ok) throw result.error
    },
  }
}

/** The same handler with and without a grant, so that the difference is what the grant adds. */
async function grantContenders(): Promise<readonly Contender[]> {
  const issuer = createBenchIssuer()
  const server = createResourceServer({ resource: audience, issuer: issuer.issuer, fetch: issuer.fetch })
  const auth = (await server.verify(mintToken(issuer, 'RS256'))) as Auth<unknown>
  const grants = createGrants({ client: exchangingClient(issuer.issuer) })
  const acquire = grants.prepare([downstream])
  const handler = async (one: Auth<unknown>) => one.subject
  await withGrants(grants, auth, [downstream], handler)
  return [
    { name: 'handler without grants', isAsync: true, run: () => handler(auth) },
    {
      name: 'handler with one cached grant',
      isAsync: true,
      async run() {
        const { access, failure } = await acquire(auth)
        if (failure !== undefined) throw failure
        return handler(auth.withAccess(access))
      },
    },
  ]
}

function exchangingClient(issuer: string): GrantClient {
  return {
    issuer,
    clientId: 'gateway',
    exchangeToken: async () => ({
      accessToken: 'downstream-token',
      tokenType: 'Bearer',
      expiresAt: Math.floor(Date.now() / 1000) + 3600,
      scope: [],
      issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    }),
  }
}
