import { join } from 'node:path'
import { freePort } from '../../support/loopback-server.js'
import { type ServerProcess, startServer } from '../server-process.js'

/** A Spring Authorization Server. All it knows is in its memory. */
export interface Spring {
  readonly issuer: string
  stop(): Promise<void>
  /** After {@link stop}: it has new keys, and has forgotten its tokens. */
  start(): Promise<void>
  /** It hangs until {@link resume}. */
  pause(): void
  resume(): void
}

/** A client, in the words of Spring Boot. */
export type SpringClient = Readonly<Record<string, unknown>> & { readonly registration: object }

/** Starts the program of `server/`, which `SPRING` names as a jar. `folder` has the certificate of the server. */
export async function startSpring(folder: string, clients: Readonly<Record<string, SpringClient>>): Promise<Spring> {
  const jar = process.env['SPRING']
  if (jar === undefined)
    throw new Error('SPRING must name the jar that `mvn package` makes of test/interop/spring/server')
  const port = await freePort()
  const issuer = `https://localhost:${port}`
  const configuration = {
    server: {
      port,
      ssl: {
        certificate: join(folder, 'server.pem'),
        'certificate-private-key': join(folder, 'server-key.pem'),
      },
    },
    spring: {
      security: {
        user: { name: 'alice', password: 'alice-password' },
        oauth2: { authorizationserver: { issuer, client: clients } },
      },
    },
  }
  const start = () =>
    startServer({
      program: 'java',
      parameters: ['-Xmx256m', '-jar', jar],
      env: { SPRING_APPLICATION_JSON: JSON.stringify(configuration) },
      readyUrl: `${issuer}/.well-known/oauth-authorization-server`,
      logFile: join(folder, 'spring.log'),
    })

  let server: ServerProcess = await start()
  return {
    issuer,
    stop: () => server.stop(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    async start() {
      server = await start()
    },
  }
}
