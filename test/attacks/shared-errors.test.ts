import { AccessDeniedError, type Auth, createResourceServer, type PortcullisEvent, type Refused } from 'portcullis'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
const events: PortcullisEvent[] = []
const secrets = ['0123456789abcdef0123456789abcdef']
const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer: issuer.issuer,
  fetch: issuer.fetch,
  clock: clock.now,
  dpop: { nonce: { secrets, onSuccess: true } },
  onEvent: (event) => events.push(event),
})
afterAll(() => issuer.close())
beforeEach(() => void events.splice(0))

class OwnError extends AccessDeniedError {
  readonly because = 'closed on Sundays'
}

const errors = [
  ['one error object', new OwnError('ERR_CLAIM_REQUIREMENT', { detail: 'own' })],
  ['a frozen one', Object.freeze(new OwnError('ERR_CLAIM_REQUIREMENT', { detail: 'own' }))],
] as const

const bearer = () => requestFacts({ headers: { authorization: `Bearer ${issuer.mintToken()}` } })

async function admitted(): Promise<Auth> {
  const result = await server.authenticate(bearer())
  if (!result.ok) throw result.error
  return result.auth
}

/** A caller to whom the next nonce is owed. */
async function admittedWithProof(): Promise<Auth> {
  const client = createDpopClient({ clock: clock.now })
  const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
  const send = (nonce?: string) =>
    server.authenticate(
      requestFacts({ headers: client.headers({ url: 'https://api.example.com/', accessToken, nonce }) }),
    )
  const first = await send()
  const second = await send(String(first.ok || first.answer.headers['DPoP-Nonce']))
  if (!second.ok) throw second.error
  return second.auth
}

const refusals = () => events.filter(({ type }) => type === 'auth.refused')

describe.each(errors)('%s that the application throws for many requests', (_, shared) => {
  const deny = () => {
    throw shared
  }

  it('[REAL-15] is another one for each request, of its class and with its content', async () => {
    const [first, second] = (await Promise.all([
      server.authenticate(bearer(), { allow: deny }),
      server.authenticate(bearer(), { allow: deny }),
    ])) as [Refused, Refused]
    expect(first.error).not.toBe(second.error)
    for (const { error } of [first, second]) {
      expect(error).not.toBe(shared)
      expect(error).toBeInstanceOf(OwnError)
      expect(error).toMatchObject({ because: 'closed on Sundays', detail: 'own', status: 403, stack: shared.stack })
      Object.defineProperty(error, 'headers', { value: {} })
    }
    expect(first.error.correlationId).not.toBe(second.error.correlationId)
    expect(shared.correlationId).toBeUndefined()
    expect(shared).not.toHaveProperty('headers')
  })

  it('[REAL-15] is told of for each request, also when a handler throws it', async () => {
    const callers = [await admitted(), await admitted()]
    for (const auth of callers) server.refuse(shared, auth)
    expect(refusals().map((event) => 'correlationId' in event && event.correlationId)).toEqual(
      callers.map(({ correlationId }) => correlationId),
    )
  })

  it('[REAL-15] gives one request nothing of another', async () => {
    const withNonce = server.refuse(shared, await admittedWithProof())
    const without = server.refuse(shared, await admitted())
    expect(withNonce.answer.headers).toHaveProperty('DPoP-Nonce')
    expect(without.answer.headers).not.toHaveProperty('DPoP-Nonce')
  })
})

describe('an error of one request', () => {
  it('[REAL-15] becomes another one where a later request throws it', async () => {
    const [one, other] = [await admitted(), await admitted()]
    const kept = server.refuse(new AccessDeniedError(), one).error
    Object.defineProperty(kept, 'headers', { value: { 'DPoP-Nonce': 'of the first' } })
    const later = server.refuse(kept, other).error
    expect(later).not.toBe(kept)
    expect(later).not.toHaveProperty('headers')
    expect(later.correlationId).toBe(other.correlationId)
    expect(refusals()).toHaveLength(2)
  })

  it('[REAL-15] is not that of a request that waited for the same keys', async () => {
    const down = createResourceServer({
      resource: 'https://api.example.com',
      issuer: issuer.issuer,
      clock: clock.now,
      fetch: () => Promise.reject(new Error('down')),
    })
    const results = (await Promise.all([down.authenticate(bearer()), down.authenticate(bearer())])) as Refused[]
    expect(results.map(({ error }) => error.status)).toEqual([503, 503])
    expect(new Set(results.map(({ error }) => error)).size).toBe(2)
    expect(new Set(results.map(({ error }) => error.correlationId)).size).toBe(2)
  })

  it('[REAL-15] is 500 where it cannot even be read', () => {
    const hostile = Object.defineProperty(new AccessDeniedError(), 'because', {
      get() {
        throw new Error('unreadable')
      },
    })
    expect(server.refuse(hostile)).toMatchObject({ fault: true, answer: { status: 500 } })
  })

  it('[REAL-15] answers a caller of another server as nobody', async () => {
    const other = createResourceServer({ resource: 'https://other.test', issuer: issuer.issuer, fetch: issuer.fetch })
    const mine = await server.verify(issuer.mintToken())
    expect(other.refuse(new AccessDeniedError(), mine).answer.status).toBe(403)
  })
})
