import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../support/loopback-server.js'
import { type ServerProcess, startServer } from '../server-process.js'

const run = promisify(execFile)
const image = 'keycloak/keycloak:26.7.3'

/** A Keycloak with the realms of this folder, in files of its own. */
export interface Keycloak {
  readonly version: string
  readonly issuer: string
  readonly otherIssuer: string
  stop(): Promise<void>
  /** After {@link stop}: users, sessions and keys are the same as before. */
  start(): Promise<void>
  /** A call of the administration interface, relative to the realm. Gives the answer, parsed. */
  administer(method: string, path: string, body?: unknown): Promise<unknown>
}

/** What the realms do not know before the run: values for the `${…}` in their files. */
export type RealmValues = Readonly<
  Record<'ORDERS_API' | 'KEY_SET' | 'ENCRYPTION_KEY_SET' | 'WEB_LOGOUT' | 'SHOP_LOGOUT', string>
>

/**
 * Starts Keycloak from `KEYCLOAK`, which names the folder of a distribution or its zip archive, or else by Docker.
 * `folder` has the certificate of the server, `trusted` are files with the certificates of clients.
 */
export async function startKeycloak(
  folder: string,
  trusted: readonly string[],
  values: RealmValues,
): Promise<Keycloak> {
  const port = await freePort()
  const [httpPort, managementPort] = [await freePort(), await freePort()]
  const origin = `https://localhost:${port}`
  const env = {
    ...values,
    KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
    KC_BOOTSTRAP_ADMIN_PASSWORD: 'admin-password',
    JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
  }
  const parameters = [
    'start-dev',
    '--import-realm',
    '--health-enabled=true',
    `--hostname=${origin}`,
    `--https-port=${port}`,
    `--http-port=${httpPort}`, // development mode always has one
    `--http-management-port=${managementPort}`,
    '--http-management-scheme=http',
    `--https-certificate-file=${join(folder, 'server.pem')}`,
    `--https-certificate-key-file=${join(folder, 'server-key.pem')}`,
    '--https-client-auth=request',
    `--truststore-paths=${trusted.join(',')}`,
  ]
  const installed = process.env['KEYCLOAK']
  const { program, leading, version } =
    installed === undefined ? await fromImage(folder, Object.keys(env)) : await fromDistribution(installed, folder)
  const command = {
    program,
    parameters: [...leading, ...parameters],
    env,
    readyUrl: `http://localhost:${managementPort}/health/ready`,
    logFile: join(folder, 'keycloak.log'),
  }

  let server: ServerProcess = await startServer(command)
  return {
    version,
    issuer: `${origin}/realms/interop`,
    otherIssuer: `${origin}/realms/other`,
    stop: () => server.stop(),
    async start() {
      server = await startServer(command)
    },
    administer: (method, path, body) => administer(origin, method, path, body),
  }
}

/** A copy of a distribution: Keycloak writes into its folder. */
async function fromDistribution(installed: string, folder: string) {
  const home = join(folder, 'keycloak')
  if ((await stat(installed)).isDirectory()) await cp(installed, home, { recursive: true })
  else await run('unzip', ['-q', installed, '-d', home])
  const [inner = ''] = await readdir(home)
  const root = inner.startsWith('keycloak-') ? join(home, inner) : home
  await importRealms(join(root, 'data/import'))
  const { stdout } = await run(join(root, 'bin/kc.sh'), ['--version'])
  return { program: join(root, 'bin/kc.sh'), leading: [], version: stdout.split('\n')[0] ?? '' }
}

/** The image, with its data and the files of this run where they are on this machine. */
async function fromImage(folder: string, variables: readonly string[]) {
  await run('docker', ['info']).catch((cause: unknown) => {
    throw new Error('KEYCLOAK must name the folder of a Keycloak distribution or its zip: there is no Docker here', {
      cause,
    })
  })
  const data = join(folder, 'keycloak-data')
  await importRealms(join(data, 'import'))
  for (const open of [folder, data, join(data, 'import')]) await chmod(open, 0o777) // the image has a user of its own
  const volumes = [`${data}:/opt/keycloak/data`, `${folder}:${folder}:ro`].flatMap((volume) => ['--volume', volume])
  const handedOver = variables.flatMap((name) => ['--env', name])
  const leading = ['run', '--rm', '--network', 'host', ...volumes, ...handedOver, image]
  return { program: 'docker', leading, version: image }
}

async function importRealms(target: string): Promise<void> {
  await mkdir(target, { recursive: true })
  for (const realm of ['interop', 'other']) {
    await cp(join(import.meta.dirname, `${realm}-realm.json`), join(target, `${realm}-realm.json`))
  }
}

async function administer(origin: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const form = { grant_type: 'password', client_id: 'admin-cli', username: 'admin', password: 'admin-password' }
  const tokens = await fetch(`${origin}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  const { access_token: token } = (await tokens.json()) as { access_token: string }
  const response = await fetch(`${origin}/admin/realms/interop${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
