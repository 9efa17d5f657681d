import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { AuthorizationServer, Surroundings } from './authorization-server.js'

const realm = resolve('keycloak/realm.json')

/** A real Keycloak with the realm of compose.yaml. `distribution` is the folder of one, unpacked; it is copied. */
export async function startKeycloak(distribution: string, api: Surroundings): Promise<AuthorizationServer> {
  const folder = await mkdtemp(join(tmpdir(), 'notes-keycloak-'))
  await cp(distribution, folder, { recursive: true })
  await cp(realm, join(folder, 'data/import/realm.json'))
  const [port, managementPort] = [await freePort(), await freePort()]
  const origin = `http://localhost:${port}`
  const ports = [`--http-port=${port}`, `--http-management-port=${managementPort}`]
  const server = spawn(join(folder, 'bin/kc.sh'), ['start-dev', '--import-realm', `--hostname=${origin}`, ...ports], {
    env: { ...process.env, RESOURCE: api.resource, LOGOUT_URL: api.logoutUrl },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true, // kc.sh starts Java: both are of one group
  })
  const issuer = `${origin}/realms/notes`
  const endpoint = `${issuer}/protocol/openid-connect`

  async function post(path: string, form: Record<string, string>): Promise<Record<string, string>> {
    const response = await fetch(endpoint + path, { method: 'POST', body: new URLSearchParams(form) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${text}`)
    return text === '' ? {} : (JSON.parse(text) as Record<string, string>)
  }

  async function close(): Promise<void> {
    const exited = once(server, 'exit')
    process.kill(-(server.pid as number), 'SIGTERM')
    await exited
    await rm(folder, { recursive: true, force: true })
  }

  await answers(`${issuer}/.well-known/openid-configuration`).catch(async (error) => {
    await close()
    throw error
  })
  return {
    issuer,
    async login(user, scope) {
      const who = { client_id: 'notes-cli', username: user, password: user }
      const tokens = await post('/token', { grant_type: 'password', ...who, scope: `openid ${scope}` })
      return {
        accessToken: String(tokens['access_token']),
        logout: async () => {
          await post('/logout', { client_id: 'notes-cli', refresh_token: String(tokens['refresh_token']) })
        },
      }
    },
    close,
  }
}

async function answers(url: string): Promise<void> {
  for (let second = 0; second < 600; second += 1) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return
    await wait(1000)
  }
  throw new Error(`${url} does not answer`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
