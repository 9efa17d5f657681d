import { connect } from 'node:net'
import { createGrants, createResourceServer, type GrantClient, type ResourceServer } from 'portcullis'
import { type ClientErrorCode, TokenExchangeError } from 'portcullis/client'
import { createDpopClient, createFrozenClock, createTestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exchange } from '../support/http-exchange.js'
import { parseChallenge } from '../support/parse-challenges.js'
import { describeSettings } from './contract/describe-settings.js'
import { expectAnswer } from './contract/expect-row.js'
import {
  type AdapterHarness,
  applicationFault,
  broken,
  contractRoutes,
  type RunningApplication,
  refusing,
  wantsUser,
} from './contract/routes.js'
import { resource } from './contract/row.js'
import { contractRows } from './contract/rows.js'

/**
 * Holds one framework's adapter to the contract, over real HTTP. Call it from a test file of the framework:
 *
 * ```ts
 * describeAdapterContract({ name: 'Express 5', start: (server) => … })
 * ```
 */
export function describeAdapterContract(harness: AdapterHarness): void {
  describe(`the ${harness.name} adapter`, () => {
    const clock = createFrozenClock()
    const issuer = createTestIssuer({ clock: clock.now, audience: resource })
    const client = createDpopClient({ clock: clock.now })
    const running: RunningApplication[] = []
    const faults: unknown[] = []
    let origin = ''

    function makeServer(settings: { nonce?: boolean } = {}): ResourceServer {
      const nonce = { secrets: ['0123456789abcdef0123456789abcdef'], onSuccess: true }
      return createResourceServer({
        resource,
        issuer: issuer.issuer,
        dpop: { algorithms: ['ES256', 'PS256'], ...(settings.nonce === true && { nonce }) },
        fetch: issuer.fetch,
        clock: clock.now,
      })
    }

    async function startWith(server: ResourceServer): Promise<string> {
      const second = createResourceServer({ resource: 'https://api.test/second', issuer: issuer.issuer })
      const grants = createGrants({ client: downstreamClient, clock: clock.now })
      const application = await harness.start(server, grants, { second, fault: (error) => faults.push(error) })
      running.push(application)
      return application.origin
    }

    beforeAll(async () => {
      origin = await startWith(makeServer())
    })
    afterAll(async () => {
      await Promise.all(running.map((application) => application.close()))
      await issuer.close()
    })

    it.each(contractRows.map((row) => [row.title, row] as const))('%s', async (_title, row) => {
      expectAnswer(await exchange(origin, row.request({ issuer, client })), row, harness)
    })

    describeSettings({ harness, clock, issuer, client, startWith })

    it('[ADP-05] keeps the identities of concurrent requests apart', async () => {
      const subjects = Array.from({ length: 20 }, (_, index) => `user-${index}`)
      const responses = await Promise.all(
        subjects.map((sub) => exchange(origin, { path: '/me', fields: [bearer(issuer.mintToken({ sub }))] })),
      )
      expect(responses.map(({ body }) => JSON.parse(body).subject)).toEqual(subjects)
    })

    it('[E-09] [DPOP-17] [DPOP-20] asks for a nonce, takes it, and gives the next one', async () => {
      const nonceOrigin = await startWith(makeServer({ nonce: true }))
      const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
      const ask = (nonce?: string) => {
        const { authorization, dpop } = client.headers({ url: 'https://api.test/me', accessToken, nonce })
        return exchange(nonceOrigin, {
          path: '/me',
          fields: [
            ['Authorization', authorization],
            ['DPoP', dpop],
          ],
        })
      }
      const first = await ask()
      expect(first.status).toBe(401)
      expect(first.fields('WWW-Authenticate')).toHaveLength(1)
      const { scheme, parameters } = parseChallenge(first.fields('WWW-Authenticate')[0] ?? '')
      expect([scheme, ...parameters.keys()]).toEqual([
        'DPoP',
        'error',
        'error_description',
        'algs',
        'resource_metadata',
      ])
      expect(parameters.get('error')).toBe('use_dpop_nonce')
      expect(first.fields('DPoP-Nonce')).toHaveLength(1)
      expect(first.fields('Access-Control-Expose-Headers')).toEqual(['WWW-Authenticate, DPoP-Nonce'])

      const second = await ask(first.fields('DPoP-Nonce')[0])
      expect(second.status).toBe(200)
      expect(second.fields('DPoP-Nonce')).toHaveLength(1)
      expect(second.fields('Cache-Control')).toEqual(['no-store'])
    })

    it('[E-13] [C-17] answers 503 without a challenge while the keys cannot be had', async () => {
      issuer.override(['oauthMetadata', 'openidConfiguration', 'jwks'], { kind: 'down' })
      try {
        const downOrigin = await startWith(makeServer())
        const response = await exchange(downOrigin, { path: '/me', fields: [bearer(issuer.mintToken())] })
        expect(response.status).toBe(503)
        expect(response.fields('WWW-Authenticate')).toEqual([])
        expect(response.fields('Retry-After')[0]).toMatch(/^[1-9]\d*$/)
        expect(response.fields('Cache-Control')).toEqual(['no-store'])
        expect(JSON.parse(response.body).error).toBe('temporarily_unavailable')
      } finally {
        issuer.restore()
      }
    })

    it.each([
      ['an exception in `allow`', '/faulty', applicationFault.message],
      ['a grant without a client', '/clientless', 'holds no client of the issuer'],
    ])(
      '[REAL-26] hands a fault of the application to the error channel of the framework, with its cause: %s',
      async (_name, path, reason) => {
        faults.length = 0
        const response = await exchange(origin, { path, fields: [bearer(issuer.mintToken())] })
        expect(response.status).toBe(500)
        expect(response.body).not.toContain('secret')
        expect(faults).toHaveLength(1)
        const { message, cause } = faults[0] as Error
        expect(`${message} ${cause}`).toContain(reason)
      },
    )

    it('[ADP-08] survives a client that leaves while its token is checked', async () => {
      const slowOrigin = await startWith(makeServer())
      const hold = issuer.hold('jwks')
      const { hostname, port } = new URL(slowOrigin)
      const socket = connect(Number(port), hostname)
      socket.write(`GET /mail HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${issuer.mintToken()}\r\n\r\n`)
      await hold.arrived
      socket.destroy()
      await new Promise((resolve) => socket.once('close', resolve))
      hold.release()
      const response = await exchange(slowOrigin, { path: '/me', fields: [bearer(issuer.mintToken())] })
      expect(response.status).toBe(200)
    })

    it('[ADP-07] serves every route of the contract', async () => {
      for (const { path } of contractRoutes) expect((await exchange(origin, { path })).status, path).not.toBe(404)
    })
  })
}

function bearer(token: string): readonly [string, string] {
  return ['Authorization', `Bearer ${token}`]
}

function refusal(code: ClientErrorCode, error: string): TokenExchangeError {
  return new TokenExchangeError(code, { status: 400, error })
}

/** Exchanges any token for one that says what it is for. */
const downstreamClient: GrantClient = {
  issuer: 'https://issuer.test',
  clientId: 'gateway',
  async exchangeToken({ resource: [target] = [] }) {
    if (target === broken) throw new Error('the token endpoint is down')
    if (target === refusing) throw refusal('ERR_INVALID_TARGET', 'invalid_target')
    if (target === wantsUser) throw refusal('ERR_INTERACTION_REQUIRED', 'consent_required')
    return {
      accessToken: `for ${target}`,
      tokenType: 'Bearer',
      expiresAt: undefined,
      scope: [],
      issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    }
  },
}
