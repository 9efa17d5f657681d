import { createHash } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { type Grant, ResourceAccessError } from 'portcullis'
import { TokenTypes } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { refusal } from '../../support/fake-token-endpoint.js'
import { accessOf, calendar, caller, exchanged, setUpGrants } from '../../support/grants-set-up.js'

type Respond = (request: Sent) => Response | Promise<Response>

interface Sent {
  readonly url: string
  readonly init: RequestInit
  readonly headers: Headers
}

const ok: Respond = () => new Response('fine')

function unauthorized(challenge?: string, nonce?: string): Respond {
  const headers = {
    ...(challenge !== undefined && { 'WWW-Authenticate': challenge }),
    ...(nonce !== undefined && { 'DPoP-Nonce': nonce }),
  }
  return () => new Response('no', { status: 401, headers })
}

/** A grant engine whose downstream service answers by a script; the last answer stays. */
function setUpDownstream(script: Respond[], options: Parameters<typeof setUpGrants>[0] = {}) {
  const sent: Sent[] = []
  const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    const request = { url: String(url), init, headers: new Headers(init.headers) }
    sent.push(request)
    const respond = script.length > 1 ? (script.shift() as Respond) : (script[0] as Respond)
    return respond(request)
  }
  const setUp = setUpGrants({ fetch, ...options })
  const tokens = () => sent.map(({ headers }) => headers.get('authorization'))
  return { ...setUp, sent, tokens }
}

const alice = caller('alice-token')
const bound = { clientOptions: { dpop: true } } as const

/** The `fetch` of a caller whose token has been in use for a while. */
async function downstream(setUp: ReturnType<typeof setUpDownstream>, grant: Grant = calendar) {
  const access = await accessOf(setUp, alice, grant)
  setUp.clock.advance(10_000)
  return access.fetch(typeof grant === 'string' ? grant : grant.resource)
}

/** With DPoP the token endpoint answers with bound tokens. */
function setUpBound(script: Respond[]) {
  const setUp = setUpDownstream(script, bound)
  setUp.server.script('/token', exchanged({ token_type: 'DPoP' }))
  return setUp
}

describe('access.fetch', () => {
  it('[TX-12] [D24] [BEAR-05] carries the exchanged token, never the one of the caller', async () => {
    const setUp = setUpDownstream([ok])
    const get = await downstream(setUp)
    const headers = { Authorization: 'Bearer alice-token', DPoP: 'a proof of the caller', 'X-Own': '1' }
    const response = await get('/events?x=1', { headers })
    expect(await response.text()).toBe('fine')
    expect(setUp.sent[0]).toMatchObject({ url: 'https://calendar.example/events?x=1', init: { method: 'GET' } })
    expect(Object.fromEntries(setUp.sent[0]?.headers ?? [])).toEqual({
      authorization: `Bearer alice-token@${calendar}#1`,
      'x-own': '1',
    })
  })

  it('exchanges at the first use where the grant is lazy', async () => {
    const setUp = setUpDownstream([ok])
    const get = await downstream(setUp, { resource: calendar, mode: 'lazy' })
    expect(setUp.exchanges()).toBe(0)
    await get('/')
    await get(new URL(calendar))
    expect(setUp.exchanges()).toBe(1)
  })

  it.each([
    'https://evil.example/',
    '//evil.example/',
    'http://calendar.example/',
    'https://calendar.example:444/',
    'https://calendar.example@evil.example/',
    'https://calendar.example.evil.example/',
    'data:text/plain,x',
    'https://[',
  ])('[D18] sends nothing to %s', async (url) => {
    const setUp = setUpDownstream([ok])
    const get = await downstream(setUp, { resource: calendar, mode: 'lazy' })
    const error = await get(url).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ResourceAccessError)
    const detail = URL.canParse(url, calendar) ? 'the origin is not among allowedOrigins' : 'no URL'
    expect(error).toMatchObject({ code: 'ERR_GRANT_MISSING', status: 500, detail })
    expect([setUp.sent.length, setUp.exchanges()]).toEqual([0, 0])
  })

  it('[D18] sends to other origins the grant allows', async () => {
    const setUp = setUpDownstream([ok])
    const get = await downstream(setUp, { resource: 'urn:calendar', allowedOrigins: ['https://cal.example'] })
    await get('https://cal.example/x')
    await expect(get('https://calendar.example/')).rejects.toThrow(ResourceAccessError)
    expect(setUp.sent).toHaveLength(1)
  })

  it('[D18] follows no redirect', async () => {
    const headers = { location: 'https://evil.example/' }
    const setUp = setUpDownstream([() => new Response(null, { status: 302, headers })])
    const response = await (await downstream(setUp))('/', { redirect: 'follow' })
    expect(response.status).toBe(302)
    expect(setUp.sent).toHaveLength(1)
    expect(setUp.sent[0]?.init.redirect).toBe('manual')
  })

  it('[TX-06] never puts a token of type N_A into a request', async () => {
    const setUp = setUpDownstream([ok])
    setUp.server.script('/token', exchanged({ token_type: 'N_A', issued_token_type: TokenTypes.idJag }))
    const get = await downstream(setUp, { resource: calendar, requestedTokenType: TokenTypes.idJag })
    await expect(get('/')).rejects.toMatchObject({ code: 'ERR_GRANT_MISSING' })
    expect(setUp.sent).toHaveLength(0)
  })

  it('gives an attempt up when its time is over, or when the caller does', async () => {
    const silent: Respond = ({ init: { signal } }) =>
      new Promise((_, reject) => {
        if (signal?.aborted) reject(signal.reason)
        signal?.addEventListener('abort', () => reject(signal.reason))
      })
    const setUp = setUpDownstream([silent], { fetchTimeoutMs: 10 })
    const get = await downstream(setUp)
    await expect(get('/')).rejects.toMatchObject({ name: 'TimeoutError' })
    await expect(get('/', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('access.fetch after a downstream 401', () => {
  it.each([
    ['no challenge', unauthorized()],
    ['a challenge without an error', unauthorized('Bearer realm="x", error_description="error"')],
    ['invalid_token', unauthorized('Bearer realm="x", error="invalid_token"')],
  ])('[D19] [D20] gets another token and tries once more, with %s', async (_name, first) => {
    const setUp = setUpDownstream([first, ok])
    const response = await (await downstream(setUp))('/', { method: 'POST', body: 'x' })
    expect(response.status).toBe(200)
    expect(setUp.tokens()).toEqual([`Bearer alice-token@${calendar}#1`, `Bearer alice-token@${calendar}#2`])
    expect(setUp.sent.map(({ init }) => init.body)).toEqual(['x', 'x'])
  })

  it('[D19] lets later requests have the new token, also those of other requests', async () => {
    const setUp = setUpDownstream([unauthorized(), ok])
    const access = await accessOf(setUp, alice, calendar)
    setUp.clock.advance(10_000)
    await access.fetch(calendar)('/')
    expect(access.token(calendar)).toMatch(/#2$/)
    await (await downstream(setUp))('/')
    expect(setUp.tokens().at(-1)).toMatch(/#2$/)
    expect(setUp.exchanges()).toBe(2)
  })

  it('[D19] [D06] exchanges once where many requests are told the same at the same time', async () => {
    const setUp = setUpDownstream([
      ({ headers }) => new Response('', { status: headers.get('authorization')?.endsWith('#1') ? 401 : 200 }),
    ])
    const fetches = await Promise.all(Array.from({ length: 20 }, () => downstream(setUp)))
    const responses = await Promise.all(fetches.map((call) => call('/')))
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(setUp.exchanges()).toBe(2)
  })

  it('[D19] forgets a rejected token also where the new one cannot be kept', async () => {
    const setUp = setUpDownstream([unauthorized(), ok])
    setUp.server.script('/token', exchanged(), exchanged({ expires_in: undefined }))
    await (await downstream(setUp))('/')
    await accessOf(setUp, alice, calendar)
    expect(setUp.exchanges()).toBe(3)
  })

  it('[D19] tries no third time', async () => {
    const setUp = setUpDownstream([unauthorized()])
    const response = await (await downstream(setUp))('/')
    expect(await response.text()).toBe('no')
    expect(setUp.sent).toHaveLength(2)
  })

  it.each(['insufficient_scope', 'insufficient_user_authentication', 'use_dpop_nonce'])(
    '[D19] hands %s to the handler',
    async (error) => {
      const setUp = setUpDownstream([unauthorized(`Bearer error="${error}"`, 'nonce')])
      expect((await (await downstream(setUp))('/')).status).toBe(401)
      expect([setUp.sent.length, setUp.exchanges()]).toEqual([1, 1])
    },
  )

  it.each([
    ['the error of another scheme', 'DPoP error="use_dpop_nonce", Bearer error="invalid_token"', 2],
    ['the word in another parameter', 'Bearer error_description="error=\\"insufficient_scope\\""', 2],
    ['another scheme that knows nothing of the token', 'Basic realm="x", DPoP error="invalid_token"', 1],
    ['a field that cannot be read', 'Bearer error="', 2],
  ])('[D19] [HTTP-06] goes by the challenge of its own scheme, and not by %s', async (_name, challenge, sent) => {
    const setUp = setUpDownstream([unauthorized(challenge, 'nonce'), ok])
    await (await downstream(setUp))('/')
    expect([setUp.sent.length, setUp.exchanges()]).toEqual([sent, sent])
  })

  it('[D19] tries no other status again', async () => {
    const setUp = setUpDownstream([() => new Response('', { status: 403 })])
    expect((await (await downstream(setUp))('/')).status).toBe(403)
    expect(setUp.sent).toHaveLength(1)
  })

  const bodies: [name: string, body: () => RequestInit['body'], isSentTwice: boolean][] = [
    ['a text', () => 'x', true],
    ['no body', () => null, true],
    ['form fields', () => new URLSearchParams('a=1'), true],
    ['a form with files', () => new FormData(), true],
    ['a blob', () => new Blob(['x']), true],
    ['bytes', () => new Uint8Array(1), true],
    ['a buffer', () => new ArrayBuffer(1), true],
    ['a stream', () => new ReadableStream(), false],
    ['an iterator', () => (async function* () {})() as never, false],
  ]
  it.each(bodies)('[D19] repeats %s only where it can', async (_name, body, isSentTwice) => {
    const setUp = setUpDownstream([unauthorized(), ok])
    const response = await (await downstream(setUp))('/', { method: 'POST', body: body() ?? null })
    expect(response.status).toBe(isSentTwice ? 200 : 401)
    expect(setUp.exchanges()).toBe(isSentTwice ? 2 : 1)
  })

  it('[D24] [REAL-27] fails where no other token can be had, rather than send the old one again', async () => {
    let isCancelled = false
    const cancel = () => {
      isCancelled = true
    }
    const setUp = setUpDownstream([() => new Response(new ReadableStream({ cancel }), { status: 401 }), ok])
    setUp.server.script('/token', exchanged(), refusal('invalid_grant'))
    const access = await accessOf(setUp, alice, calendar)
    setUp.clock.advance(10_000)
    await expect(access.fetch(calendar)('/')).rejects.toMatchObject({ status: 401, code: 'ERR_TOKEN_REFUSED' })
    expect([setUp.sent.length, isCancelled]).toEqual([1, true])
    expect(access.failed).toEqual([calendar])
  })

  it('[REAL-38] costs one exchange per caller and 10 s where the service rejects every token', async () => {
    const setUp = setUpDownstream([unauthorized()])
    const ask = async (auth = alice) => {
      const access = await accessOf(setUp, auth, calendar)
      const response = await access.fetch(calendar)('/')
      expect([response.status, await response.text()]).toEqual([401, 'no'])
    }
    for (let count = 0; count < 5; count += 1) await ask()
    expect(setUp.exchanges()).toBe(1)
    setUp.clock.advance(9_999)
    await ask()
    expect(setUp.exchanges()).toBe(1)
    setUp.clock.advance(1)
    for (let count = 0; count < 5; count += 1) await ask()
    expect(setUp.exchanges()).toBe(2)
    await ask(caller('bob-token'))
    expect(setUp.exchanges()).toBe(3)
  })

  it('[REAL-38] takes the newer token of another request at once', async () => {
    const setUp = setUpDownstream([unauthorized(), ok, unauthorized(), ok])
    const early = await accessOf(setUp, alice, calendar)
    setUp.clock.advance(10_000)
    await (await accessOf(setUp, alice, calendar)).fetch(calendar)('/')
    expect((await early.fetch(calendar)('/')).status).toBe(200)
    expect(setUp.exchanges()).toBe(2)
  })
})

describe('access.fetch with bound tokens', () => {
  const proofs = ({ sent }: ReturnType<typeof setUpDownstream>) =>
    sent.map(({ headers }) => decodeJwt(headers.get('dpop') ?? ''))

  it('[TX-15] [DPOP-C1] [DPOP-C2] proves possession of its own key for every request', async () => {
    const setUp = setUpBound([ok])
    const call = await downstream(setUp)
    await call('/events?x=1#y', { method: 'patch', headers: { DPoP: 'a proof of the caller' } })
    await call('/')
    const token = `alice-token@${calendar}#1`
    expect(setUp.tokens()).toEqual([`DPoP ${token}`, `DPoP ${token}`])
    const [first, second] = proofs(setUp)
    const ath = createHash('sha256').update(token).digest('base64url')
    const iat = setUp.clock.now() / 1000
    expect(first).toMatchObject({ htm: 'PATCH', htu: 'https://calendar.example/events', ath, iat })
    expect(first).not.toHaveProperty('nonce')
    expect(first?.jti).not.toBe(second?.jti)
    expect(setUp.sent[0]?.init.method).toBe('PATCH')
    const header = decodeProtectedHeader(setUp.sent[0]?.headers.get('dpop') ?? '')
    const exchangeProof = decodeProtectedHeader(setUp.server.at('/token')[0]?.headers['dpop'] ?? '')
    expect(header).toEqual({ typ: 'dpop+jwt', alg: 'ES256', jwk: exchangeProof.jwk })
    expect(header.jwk).not.toHaveProperty('d')
  })

  it('[DPOP-C4] tries once more with the nonce of the service, and keeps the newest of each origin', async () => {
    const wantsNonce = unauthorized('Bearer, DPoP error="use_dpop_nonce"', 'n-1')
    const setUp = setUpBound([wantsNonce, () => new Response('', { headers: { 'DPoP-Nonce': 'n-2' } }), ok])
    const grant = { resource: calendar, allowedOrigins: ['https://calendar.example', 'https://other.example'] }
    expect((await (await downstream(setUp, grant))('/')).status).toBe(200)
    const later = await downstream(setUp, grant)
    await later('/')
    await later('https://other.example/')
    expect(proofs(setUp).map((claims) => claims['nonce'])).toEqual([undefined, 'n-1', 'n-2', undefined])
    expect(new Set(proofs(setUp).map(({ jti }) => jti)).size).toBe(4)
    expect(setUp.exchanges()).toBe(1)
  })

  it('[DPOP-C4] mixes no nonce of the authorization server into proofs for a service', async () => {
    const setUp = setUpBound([ok])
    setUp.server.script('/token', async (request, signal) => {
      const response = await exchanged({ token_type: 'DPoP' })(request, signal)
      response.headers.set('DPoP-Nonce', 'of-the-server')
      return response
    })
    await (await downstream(setUp))('/')
    expect(proofs(setUp)[0]).not.toHaveProperty('nonce')
  })

  it('[DPOP-C4] mends a nonce and a token, each once', async () => {
    const wantsNonce = unauthorized('DPoP error="use_dpop_nonce"', 'n')
    const setUp = setUpBound([wantsNonce, unauthorized('DPoP error="invalid_token"'), wantsNonce])
    expect((await (await downstream(setUp))('/')).status).toBe(401)
    expect(setUp.sent).toHaveLength(3)
    expect(setUp.exchanges()).toBe(2)
  })

  it('[DPOP-C4] does not try again for a nonce it was not given', async () => {
    const setUp = setUpBound([unauthorized('DPoP error="use_dpop_nonce"')])
    expect((await (await downstream(setUp))('/')).status).toBe(401)
    expect(setUp.sent).toHaveLength(1)
  })

  it('[TX-15] sends a bound token nowhere without its key', async () => {
    const setUp = setUpDownstream([ok])
    const exchangeToken = async () => ({
      accessToken: 'bound',
      tokenType: 'DPoP' as const,
      expiresAt: undefined,
      scope: [],
      issuedTokenType: 'x',
    })
    let asked = 0
    const client = {
      issuer: 'https://as.example',
      clientId: 'x',
      exchangeToken,
      get dpop() {
        asked += 1
        return asked > 4 ? undefined : { thumbprint: async () => 'jkt', proof: async () => 'proof' }
      },
    }
    const losing = setUpDownstream([ok], { client } as never)
    const call = await downstream(losing)
    asked = 5
    await expect(call('/')).rejects.toMatchObject({ code: 'ERR_GRANT_MISSING' })
    expect([losing.sent.length, setUp.sent.length]).toEqual([0, 0])
  })
})
