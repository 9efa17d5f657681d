import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestIssuer } from '../../src/testing/index.js'
import { type CommandResult, type CommandWorld, runInProcess } from './run-command.js'

const signature = () => crypto.randomUUID().replaceAll('-', '')

/** A user's machine: a folder with a configuration, a file store, and an issuer that signs users in. */
export interface UserMachine {
  readonly nowMs: number
  /** That of the last login, which its ID token carries. */
  readonly nonce: string | null
  /** The folder of everything. */
  readonly home: string
  /** What was asked of the issuer's token, revocation and userinfo endpoints: method and form. */
  readonly asked: { readonly path: string; readonly form: URLSearchParams }[]
  /** Tokens that must be nowhere but where they belong. */
  readonly secrets: Set<string>
  /** Runs the command here. */
  run(args: readonly string[], world?: CommandWorld): Promise<CommandResult>
  /** What a user does who reads the address that is shown. */
  visit(text: string): void
  /** Runs `login --no-browser`, with a user who signs in at the address that is shown. */
  signIn(args?: readonly string[], world?: CommandWorld): Promise<CommandResult>
  /** Writes the configuration anew. */
  configure(config: object, mode?: number): void
  /** What the issuer answers instead, by path. */
  readonly answers: Record<string, () => Response>
  later(seconds: number): void
  close(): Promise<void>
}

/** Makes a {@link UserMachine}; close it after the tests. */
export function userMachine(): UserMachine {
  const cwd = mkdtempSync(join(tmpdir(), 'portcullis-user-'))
  const world = { nowMs: 1_800_000_000_000 }
  const clock = () => world.nowMs
  const metadata = {
    authorization_endpoint: 'https://id.example.com/authorize',
    revocation_endpoint: 'https://id.example.com/revoke',
    userinfo_endpoint: 'https://id.example.com/userinfo',
    device_authorization_endpoint: 'https://id.example.com/device',
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['ES256'],
  }
  const issuer = createTestIssuer({ issuer: 'https://id.example.com', clock, audience: 'my-app', metadata })
  const asked: UserMachine['asked'] = []
  const secrets = new Set<string>()
  const answers: Record<string, () => Response> = {}
  let nonce: string | null = null
  const secret = () => {
    const text = `canary-${signature()}`
    secrets.add(text)
    return text
  }

  function tokens(): Response {
    const id = issuer.mintToken(
      { azp: 'my-app', nonce, email: 'ann@example.com', scope: undefined, client_id: undefined },
      { header: { typ: 'JWT' } },
    )
    const access = issuer.mintToken({ jti: secret() })
    secrets.add(access)
    return Response.json({
      access_token: access,
      token_type: 'Bearer',
      expires_in: 300,
      refresh_token: secret(),
      refresh_expires_in: 3600,
      id_token: id,
    })
  }

  const device = {
    device_code: 'canary-device',
    user_code: 'WDJB-MJHT',
    verification_uri: 'https://id.example.com/d',
    expires_in: 600,
    interval: 0.01,
  }
  const own: Record<string, () => Response> = {
    '/token': tokens,
    '/revoke': () => new Response(null, { status: 200 }),
    '/userinfo': () => Response.json({ sub: 'user-1', name: 'Ann' }),
    '/device': () => Response.json(device),
  }
  const fetch: typeof issuer.fetch = async (url, init) => {
    const { pathname: path } = new URL(url)
    const answer = answers[path] ?? own[path]
    if (answer === undefined) return issuer.fetch(url, init)
    asked.push({ path, form: new URLSearchParams(init.body ?? '') })
    return answer()
  }

  function configure(config: object, mode = 0o600): void {
    const file = join(cwd, 'portcullis.json')
    writeFileSync(file, JSON.stringify(config))
    chmodSync(file, mode)
  }
  const corporate = { issuer: 'https://id.example.com', clientId: 'my-app', scopes: ['openid', 'email'] }
  configure({ tokenStore: 'file', providers: { corporate } })

  const run: UserMachine['run'] = (args, more = {}) =>
    runInProcess(args, { cwd, fetch, clock, env: { XDG_STATE_HOME: cwd }, ...more })

  function visit(text: string): void {
    const [address] = /https:\/\/id\.example\.com\/authorize\S+/.exec(text) ?? []
    if (address === undefined) return
    const { searchParams } = new URL(address)
    nonce = searchParams.get('nonce')
    for (const name of ['state', 'nonce']) secrets.add(searchParams.get(name) as string)
    const back = `${searchParams.get('redirect_uri')}?code=${secret()}&state=${searchParams.get('state')}`
    if (back.startsWith('http://127.0.0.1')) void globalThis.fetch(back).catch(() => {})
  }

  return {
    ...{ home: cwd, asked, secrets, answers, configure, run, visit },
    get nowMs() {
      return world.nowMs
    },
    get nonce() {
      return nonce
    },
    signIn: (args = [], more = {}) => run(['login', '--no-browser', ...args], { onWords: visit, ...more }),
    later(seconds) {
      world.nowMs += seconds * 1000
    },
    async close() {
      await issuer.close()
      rmSync(cwd, { recursive: true, force: true })
    },
  }
}
