import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tokenSetFromResponse } from 'portcullis/client'
import { createProtectedFetch } from 'portcullis/login'
import { createFileLock, createFileTokenStore } from 'portcullis/native'
import { expect, it } from 'vitest'
import { listenOnLoopback } from '../support/loopback-server.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const script = new URL('../support/fetch-protected.mjs', import.meta.url).pathname

async function start(directory: string, resource: string) {
  const child = spawn(process.execPath, [script, directory, resource], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return async () => {
    child.stdin.end('go\n')
    const [said] = await once(child.stdout, 'data')
    await once(child, 'exit')
    return String(said)
  }
}

it('[MCP-17] [S3-29] lets two processes of one user share a refresh: the refresh token is redeemed once', async () => {
  const directory = await temporaryFolder()
  const redeemed: string[] = []
  const server = await listenOnLoopback((request, response) => {
    const json = (body: object, status = 200) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.url?.startsWith('/.well-known/oauth-protected-resource')) {
      return json({ resource: `${server.origin}/api`, authorization_servers: [server.origin] })
    }
    if (request.url?.startsWith('/.well-known/')) {
      const registration = { registration_endpoint: `${server.origin}/register` }
      return json({ issuer: server.origin, token_endpoint: `${server.origin}/token`, ...registration })
    }
    if (request.url === '/register') return json({ client_id: 'app', token_endpoint_auth_method: 'none' }, 201)
    if (request.url === '/token') {
      let body = ''
      request.on('data', (chunk) => (body += chunk))
      request.on('end', () => {
        redeemed.push(new URLSearchParams(body).get('refresh_token') ?? '')
        json({ access_token: 'second', token_type: 'Bearer', expires_in: 3600, refresh_token: 'next' })
      })
      return
    }
    const isGood = request.headers.authorization === 'Bearer second'
    if (!isGood) response.setHeader('WWW-Authenticate', 'Bearer')
    return json({}, isGood || request.headers.authorization === 'Bearer first' ? 200 : 401)
  })
  try {
    const resource = `${server.origin}/api`
    const first = createProtectedFetch({
      ...{ resource, allowInsecureLoopback: true },
      store: createFileTokenStore({ directory }),
      lock: createFileLock({ directory }),
      signIn: {
        metadata: {},
        getTokens: async () =>
          tokenSetFromResponse(
            {
              ...{ access_token: 'first', token_type: 'Bearer', expires_in: 1, refresh_token: 'once' },
            },
            { clock: () => Date.now() - 60_000 },
          ),
      },
    })
    await first.signIn()
    const processes = await Promise.all([start(directory, resource), start(directory, resource)])
    const said = await Promise.all(processes.map((go) => go()))
    expect(said).toEqual(['200 second\n', '200 second\n'])
    expect(redeemed).toEqual(['once'])
  } finally {
    await server.close()
  }
})
