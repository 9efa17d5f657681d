import type * as fastify from 'fastify'
import type { portcullis } from '../../adapters/fastify/index.js'
import { peer } from '../package-under-test.js'
import { audience, scope } from '../set-up/issuer.js'
import { limitOf, portcullisServer } from './guards.js'
import type { AppSettings } from './protocol.js'

type App = fastify.FastifyInstance
type Route = Partial<fastify.RouteOptions>
type VerifyingRequest = fastify.FastifyRequest & { jwtVerify(): Promise<{ scope?: string }> }

/** Prepares an instance and says what goes into the options of the route. */
const guards: Readonly<Record<string, (app: App, settings: AppSettings) => Route | Promise<Route>>> = {
  bare: () => ({}),
  limit: (app, settings) => {
    const verify = limitOf(settings)
    app.decorateRequest('auth', null)
    return {
      onRequest: (request, _reply, done) => {
        Object.assign(request, { auth: verify(request.raw) })
        done()
      },
    }
  },
  portcullis: async (app, settings) => {
    const adapter = await peer<{ portcullis: typeof portcullis }>('portcullis/fastify')
    await app.register(adapter.portcullis, { server: portcullisServer(settings) })
    return { config: { portcullis: { scope } } as never }
  },
  '@fastify/jwt, cached': async (app, { pem, issuer, cacheEntries }) => {
    const verify = { allowedIss: issuer, allowedAud: audience, algorithms: ['RS256'], cache: cacheEntries }
    return registerFastifyJwt(app, { secret: { public: pem }, verify })
  },
  '@fastify/jwt + get-jwks': async (app, { issuer }) => {
    const { default: buildGetJwks } = await peer<{ default: (options: unknown) => GetJwks }>('get-jwks')
    const keys = buildGetJwks({ providerDiscovery: true, issuersWhitelist: [issuer], ttl: 3_600_000 })
    const secret = ({ header: { kid, alg }, payload: { iss } }: Decoded) => keys.getPublicKey({ kid, alg, domain: iss })
    const options = {
      decode: { complete: true },
      secret: (_request: unknown, token: Decoded) => secret(token),
      verify: { allowedIss: issuer, allowedAud: audience, algorithms: ['RS256'] },
    }
    return registerFastifyJwt(app, options)
  },
}

interface Decoded {
  readonly header: { readonly kid: string; readonly alg: string }
  readonly payload: { readonly iss: string }
}

interface GetJwks {
  getPublicKey(about: { kid: string; alg: string; domain: string }): Promise<string>
}

async function registerFastifyJwt(app: App, options: unknown): Promise<Route> {
  const { default: plugin } = await peer<{ default: fastify.FastifyPluginAsync }>('@fastify/jwt')
  await app.register(plugin, options as never)
  return {
    onRequest: async (request) => {
      const claims = await (request as VerifyingRequest).jwtVerify()
      if (!claims.scope?.split(' ').includes(scope)) throw new Error('scope')
    },
  }
}

/** Starts the server and gives its port. */
export async function startFastify(settings: AppSettings): Promise<number> {
  const { default: createApp } = await peer<{ default: typeof fastify.fastify }>('fastify')
  const app = createApp()
  const route = await guards[settings.guard]?.(app as never, settings)
  if (route === undefined) throw new Error(`no guard ${settings.guard}`)
  const handler = async () => ({ ok: true })
  app.route({ ...route, method: 'GET', url: '/me', handler } as never)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as { port: number }).port
}
