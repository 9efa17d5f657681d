import { execFile } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../support/loopback-server.js'
import { type ServerProcess, startServer } from '../server-process.js'

const run = promisify(execFile)
const image = 'oryd/hydra:v2.3.0'

/** A Hydra with a database of its own. */
export interface Hydra {
  readonly version: string
  readonly issuer: string
  /** Where the administration interface is, introspection included. */
  readonly adminUrl: string
  stop(): Promise<void>
  /** After {@link stop}: clients, sessions and keys are the same as before. `settings` are environment variables. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>
  /** A call of the administration interface. Gives the answer, parsed. */
  administer<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer>
}

/**
 * Starts the program that `HYDRA` names, or else the image by Docker. `folder` has the certificate of the server;
 * `consentApp` is the origin where users sign in.
 */
export async function startHydra(folder: string, consentApp: string): Promise<Hydra> {
  const [publicPort, adminPort] = [await freePort(), await freePort()]
  const issuer = `https://localhost:${publicPort}`
  const adminUrl = `https://localhost:${adminPort}`
  const tls = (side: string) => ({
    [`SERVE_${side}_HOST`]: '127.0.0.1',
    [`SERVE_${side}_TLS_ENABLED`]: 'true',
    [`SERVE_${side}_TLS_CERT_PATH`]: join(folder, 'server.pem'),
    [`SERVE_${side}_TLS_KEY_PATH`]: join(folder, 'server-key.pem'),
  })
  const env = {
    ...tls('PUBLIC'),
    ...tls('ADMIN'),
    SERVE_PUBLIC_PORT: `${publicPort}`,
    SERVE_ADMIN_PORT: `${adminPort}`,
    DSN: `sqlite://${join(folder, 'hydra.sqlite')}?_fk=true`,
    SECRETS_SYSTEM: '0123456789abcdef0123456789abcdef',
    URLS_SELF_ISSUER: issuer,
    URLS_LOGIN: `${consentApp}/login`,
    URLS_CONSENT: `${consentApp}/consent`,
    URLS_LOGOUT: `${consentApp}/logout`,
    URLS_POST_LOGOUT_REDIRECT: 'http://127.0.0.1/goodbye',
    STRATEGIES_ACCESS_TOKEN: 'jwt',
    OAUTH2_ALLOWED_TOP_LEVEL_CLAIMS: 'sid,acr',
    OIDC_DYNAMIC_CLIENT_REGISTRATION_ENABLED: 'true',
    WEBFINGER_OIDC_DISCOVERY_CLIENT_REGISTRATION_URL: `${issuer}/oauth2/register`,
    SQA_OPT_OUT: 'true',
    SSL_CERT_FILE: join(folder, 'server.pem'), // whom it trusts when it posts logout tokens
  }
  const { program, leading } = await findHydra(folder, Object.keys(env))
  await run(program, [...leading, 'migrate', 'sql', '-e', '--yes'], { env: { ...process.env, ...env } })
  const start = (settings: Readonly<Record<string, string>> = {}) =>
    startServer({
      program,
      parameters: [...leading, 'serve', 'all'],
      env: { ...env, ...settings },
      readyUrl: `${issuer}/.well-known/jwks.json`, // the first one to ask has the keys made
      logFile: join(folder, 'hydra.log'),
    })

  const { stdout } = await run(program, [...leading, 'version'])
  let server: ServerProcess = await start()
  return {
    version: /Version:\s*(\S+)/.exec(stdout)?.[1] ?? '',
    issuer,
    adminUrl,
    stop: () => server.stop(),
    async start(settings) {
      server = await start(settings)
    },
    async administer<Answer>(method: string, path: string, body?: unknown) {
      const response = await fetch(`${adminUrl}/admin${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
      return (text === '' ? undefined : JSON.parse(text)) as Answer
    },
  }
}

async function findHydra(folder: string, variables: readonly string[]) {
  const program = process.env['HYDRA']
  if (program !== undefined) return { program, leading: [] }
  await run('docker', ['info']).catch((cause: unknown) => {
    throw new Error('HYDRA must name the program of Ory Hydra: there is no Docker here', { cause })
  })
  await chmod(folder, 0o777) // the image has a user of its own
  const handedOver = [...variables, 'STRATEGIES_JWT_SCOPE_CLAIM'].flatMap((name) => ['--env', name])
  return {
    program: 'docker',
    leading: ['run', '--rm', '--network', 'host', '--volume', `${folder}:${folder}`, ...handedOver, image],
  }
}
