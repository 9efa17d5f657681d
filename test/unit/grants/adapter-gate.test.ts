import {
  AccessDeniedError,
  ConfigurationError,
  createResourceServer,
  InternalError,
  MissingTokenError,
  ResourceAccessError,
  withGrants,
} from 'portcullis'
import {
  adapterRules,
  addGrants,
  answerMetadata,
  checkOptions,
  createAdapterGate,
  createGrantGuard,
  isPreflight,
  preflightAnswer,
  refuseUncalled,
} from 'portcullis/adapter'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it, vi } from 'vitest'
import { refusal, reset } from '../../support/fake-token-endpoint.js'
import { calendar, caller, mail, setUpGrants } from '../../support/grants-set-up.js'

const alice = caller('alice-token')
const server = createResourceServer({ resource: 'https://api.example', issuer: 'https://as.example' })

const issuer = createTestIssuer()

/** A server of two resources that can judge tokens, and a token for one of them. */
function setUpVerified() {
  const verifying = createResourceServer({
    resource: ['https://api.example/one', 'https://api.example/two'],
    issuer: issuer.issuer,
    fetch: issuer.fetch,
  })
  return { server: verifying, mint: (audience: string) => issuer.mintToken({ aud: audience, scope: 'read' }) }
}

describe('createGrantGuard', () => {
  it('[S3-07] [TX-12] hands the caller over with what the grants brought', async () => {
    const { grants } = setUpGrants()
    const result = await createGrantGuard(server, grants, [calendar])(alice)
    if (!result.ok) throw result.error
    expect(result.auth.access.token(calendar)).toContain('alice-token')
    expect([result.auth.subject, result.auth.token]).toEqual([alice.subject, alice.token])
    expect(alice.access.has(calendar)).toBe(false)
  })

  it.each([
    [refusal('invalid_target'), 502, undefined],
    [refusal('consent_required'), 401, 'insufficient_user_authentication'],
    [reset(), 503, undefined],
  ])('[TX-14] answers a failure before the handler runs', async (behaviour, status, error) => {
    const { grants, server: token } = setUpGrants()
    token.script('/token', behaviour)
    const result = await createGrantGuard(server, grants, [calendar])(alice)
    if (result.ok) throw new Error('let through')
    const challenges = [result.answer.headers['WWW-Authenticate'] ?? []].flat().join()
    expect(result.answer.status).toBe(status)
    expect(challenges).not.toContain('invalid_token')
    if (error === undefined) expect(challenges).toBe('')
    else expect(challenges).toContain(`error="${error}"`)
    expect(result.answer.headers['Retry-After']).toBe(status === 503 ? '5' : undefined)
  })

  it('[S3-10] lets a route decide for itself where a grant is optional', async () => {
    const { grants, server: token } = setUpGrants()
    token.script('/token', reset())
    const result = await createGrantGuard(server, grants, [{ resource: calendar, mode: 'optional' }])(alice)
    expect(result.ok && result.auth.access.failed).toEqual([calendar])
  })

  it('[E-01] asks an anonymous caller for a token', async () => {
    const setUp = setUpGrants()
    const result = await createGrantGuard(server, setUp.grants, [calendar])(undefined)
    expect(result).toMatchObject({ ok: false, answer: { status: 401 } })
    expect(setUp.exchanges()).toBe(0)
  })

  it('[REAL-26] hands a fault of the application over as one, with its cause', async () => {
    const stranger = caller('eve-token', { issuer: 'https://third.example' })
    const withoutClient = await createGrantGuard(server, setUpGrants().grants, [calendar])(stranger)
    expect(withoutClient).toMatchObject({ ok: false, fault: true, error: { status: 500, code: 'ERR_CONFIGURATION' } })
    const cause = new Error('of the application')
    const actor = () => Promise.reject(cause)
    const faulty = await createGrantGuard(server, setUpGrants().grants, [{ resource: calendar, actor }])(alice)
    expect(faulty).toMatchObject({ ok: false, fault: true, error: { callback: 'actor' } })
    expect(faulty.ok || faulty.error.cause).toBe(cause)
    const mapRefusal = () => {
      throw cause
    }
    const mapping = setUpGrants({ mapRefusal })
    mapping.server.script('/token', refusal('invalid_target'))
    const mapped = await createGrantGuard(server, mapping.grants, [calendar])(alice)
    expect(mapped).toMatchObject({ ok: false, fault: true, error: { callback: 'mapRefusal', cause } })
    const issuer = () => {
      throw cause
    }
    const unknown = await createGrantGuard(server, setUpGrants().grants, [{ resource: calendar, issuer }])(alice)
    expect(unknown).toMatchObject({ ok: false, fault: true, error: { callback: 'issuer', cause } })
  })

  it('[REAL-26] exchanges nothing for what another library calls auth', async () => {
    const setUp = setUpGrants()
    const strange = { token: 'alice-token', issuer: 'https://as.example', sub: 'alice' }
    const result = await createGrantGuard(server, setUp.grants, [calendar])(strange as never)
    expect(result).toMatchObject({ ok: false, fault: true, answer: { status: 500 } })
    expect(result.ok || result.error.message).toContain(
      'Grants stand behind `requireToken`: the `auth` of this request is of another library.',
    )
    expect(setUp.exchanges()).toBe(0)
  })

  it('[REAL-19] refuses to be made without an engine, or for a grant that cannot be right', () => {
    const engine = '`grants` takes what `createGrants({ client })` makes.'
    for (const grants of [{}, null, () => {}]) {
      expect(() => createGrantGuard(server, grants as never, [calendar])).toThrow(ConfigurationError)
      expect(() => createGrantGuard(server, grants as never, [calendar])).toThrow(engine)
    }
    expect(() => createGrantGuard(server, setUpGrants().grants, [])).toThrow('`grant` needs at least one resource.')
    expect(() => createGrantGuard(server, undefined, [calendar])).toThrow('`grant` needs the grant engine: give')
    expect(() => createGrantGuard(server, setUpGrants().grants, ['/relative'])).toThrow('A grant needs `resource`')
  })
})

describe('createAdapterGate', () => {
  it('[ADP-03] answers a preflight by 204, and exchanges nothing, wherever grants are declared', async () => {
    const setUp = setUpGrants()
    const gate = createAdapterGate(server, { grants: setUp.grants })
    const headers = { 'access-control-request-method': 'GET' }
    const judges = [gate.requireToken({}, [calendar]), gate.optionalToken({}, [calendar]), gate.grant(calendar)]
    for (const judge of [...judges, gate.requireToken()]) {
      const judged = await judge(requestFacts({ method: 'OPTIONS', headers }), alice)
      expect(judged).toMatchObject({ ok: false, error: undefined, fault: false, answer: { status: 204 } })
    }
    for (const judge of judges) {
      const judged = await judge(requestFacts({ method: 'GET' }))
      expect(judged).toMatchObject({ ok: false, answer: { status: 401 }, error: expect.any(MissingTokenError) })
    }
    expect(setUp.exchanges()).toBe(0)
  })

  it('[REAL-23] asks for the default resource, and for another one where a requirement names it', async () => {
    const setUp = setUpVerified()
    const gate = createAdapterGate(setUp.server, { resource: 'https://api.example/two' })
    const request = requestFacts({ headers: { authorization: `Bearer ${setUp.mint('https://api.example/two')}` } })
    expect((await gate.requireToken()(request)).ok).toBe(true)
    expect((await gate.optionalToken({})(request)).ok).toBe(true)
    expect((await gate.requireToken({ resource: 'https://api.example/one' })(request)).ok).toBe(false)
    expect((await gate.optionalToken({ resource: 'https://api.example/one' })(request)).ok).toBe(false)
    expect(() => createAdapterGate(setUp.server).requireToken()).toThrow(ConfigurationError)
  })

  it.each([null, [], 5, true])(
    '[REAL-19] refuses %j for a requirement, with a default resource and without',
    (wrong) => {
      for (const options of [{}, { resource: 'https://api.example' }]) {
        const gate = createAdapterGate(server, options)
        expect(() => gate.requireToken(wrong as never)).toThrow(ConfigurationError)
        expect(() => gate.optionalToken(wrong as never)).toThrow(ConfigurationError)
      }
    },
  )

  it('[S3-07] adds what the grants of a route brought to the answer of its guard', async () => {
    const acquired = { ok: true, auth: alice, headers: { 'X-Of-Grants': '1' } } as const
    const headers = { 'DPoP-Nonce': 'n' }
    const added = await addGrants(Promise.resolve({ ok: true, auth: alice, headers }), async () => acquired)
    expect(added).toEqual({ ok: true, auth: alice, headers })
    const failed = { ok: false, fault: false, error: new MissingTokenError(), answer: preflightAnswer } as const
    expect(await addGrants({ ok: true, auth: alice, headers }, async () => failed)).toBe(failed)
    const never = () => Promise.reject(new Error('must not be asked'))
    expect(await addGrants(failed, never)).toBe(failed)
  })

  it('[S3-07] holds a caller against more, then acquires grants, for a tool', async () => {
    const { server: verifying, mint } = setUpVerified()
    const setUp = setUpGrants()
    const gate = createAdapterGate(verifying, { resource: 'https://api.example/two', grants: setUp.grants })
    const request = requestFacts({ headers: { authorization: `Bearer ${mint('https://api.example/two')}` } })
    const judged = await gate.requireToken()(request)
    const auth = judged.ok ? judged.auth : undefined
    expect(await gate.demand(undefined)(auth)).toBe(auth)
    expect(await gate.demand({ scope: 'read' })(auth)).toBe(auth)
    await expect(gate.demand({ scope: 'write' })(auth)).rejects.toMatchObject({ code: 'ERR_SCOPE_INSUFFICIENT' })
    await expect(gate.demand(undefined)(undefined)).rejects.toThrow(MissingTokenError)
    expect(() => gate.demand({ scope: [] as never })).toThrow(ConfigurationError)
    const forGrants = createAdapterGate(server, { grants: setUp.grants })
    const granted = await forGrants.demand(undefined, [calendar])(alice)
    expect(granted.access.token(calendar)).toContain('alice-token')
    setUp.server.script('/token', refusal('invalid_target'))
    await expect(forGrants.demand(undefined, [mail])(alice)).rejects.toThrow(ResourceAccessError)
    expect(() => createAdapterGate(server).demand(undefined, [calendar])).toThrow('`grant` needs the grant engine')
  })

  it('[REAL-26] answers what a handler throws only where it is a refusal', () => {
    const { refusal: answerTo } = createAdapterGate(server)
    expect(answerTo(new AccessDeniedError(), alice)).toMatchObject({ status: 403 })
    expect(answerTo(new MissingTokenError(), { token: 'of another library' })).toMatchObject({ status: 401 })
    expect(answerTo(new InternalError(new Error('x'), 'allow'), alice)).toBeUndefined()
    const refuse = vi.fn<typeof server.refuse>()
    const foreign = new Error('of the application')
    expect(createAdapterGate({ ...server, refuse }).refusal(foreign, alice)).toBeUndefined()
    expect(refuse).not.toHaveBeenCalled()
  })

  it('[S4-12] answers a probe for its server and its grants', () => {
    const { grants } = setUpGrants()
    const body = createAdapterGate(server, { grants }).health({ details: true })().body
    expect(JSON.parse(body)).toMatchObject({ server: { ready: false }, grants: { status: 'ok' } })
  })
})

describe('adapterRules', () => {
  it('[REAL-19] lets an adapter refuse what no adapter takes', () => {
    expect(() =>
      checkOptions('portcullis', { resource: 'https://api.example', grants: {} }, adapterRules),
    ).not.toThrow()
    expect(() => checkOptions('portcullis', { resource: 7 }, adapterRules)).toThrow(
      '`resource` takes a non-empty string.',
    )
    expect(() => checkOptions('portcullis', { grant: {} } as never, adapterRules)).toThrow('Did you mean `grants`?')
  })
})

describe('withGrants', () => {
  it('[S3-07] [S3-31] runs work with the tokens it declares', async () => {
    const { grants } = setUpGrants()
    const work = withGrants(grants, alice, [calendar, mail], ({ access }) => [
      access.token(calendar),
      access.token(mail),
    ])
    expect(await work).toEqual([`alice-token@${calendar}#1`, `alice-token@${mail}#2`])
  })

  it('[TX-14] does not run it when a required one cannot be had', async () => {
    const { grants, server: token } = setUpGrants()
    token.script('/token', refusal('invalid_target'))
    let ran = false
    const work = () => {
      ran = true
    }
    await expect(withGrants(grants, alice, [calendar], work)).rejects.toThrow(ResourceAccessError)
    expect(ran).toBe(false)
    await withGrants(grants, alice, [{ resource: calendar, mode: 'optional' }], work)
    expect(ran).toBe(true)
    await expect(withGrants(grants, alice, ['/relative'], work)).rejects.toThrow(ConfigurationError)
  })
})

describe('isPreflight', () => {
  it('[ADP-03] is true of OPTIONS that asks for a method, and of nothing else', () => {
    const headers = { 'access-control-request-method': 'GET' }
    expect(isPreflight(requestFacts({ method: 'OPTIONS', headers }))).toBe(true)
    expect(isPreflight(requestFacts({ method: 'OPTIONS' }))).toBe(false)
    expect(isPreflight(requestFacts({ method: 'GET', headers }))).toBe(false)
    expect(isPreflight(requestFacts({ method: 'options', headers }))).toBe(false)
  })
})

describe('answerMetadata', () => {
  const facts = requestFacts()
  const document = { status: 200, headers: {}, body: '{}' }

  const fail = () => {
    throw new Error('must not be called')
  }

  async function outcomeOf(answer: unknown): Promise<unknown> {
    return new Promise((resolve) => {
      answerMetadata(
        { metadata: () => answer } as never,
        facts,
        (sent) => resolve(['sent', sent]),
        (...error) => resolve(['next', ...error]),
      )
    })
  }

  it('[PRM-01] sends a document, at once or later, and leaves every other request to the next handler', async () => {
    let isAsked = false
    answerMetadata({ metadata: () => undefined }, facts, fail, () => {
      isAsked = true
    })
    expect(isAsked).toBe(true)
    expect(await outcomeOf(document)).toEqual(['sent', document])
    expect(await outcomeOf(Promise.resolve(document))).toEqual(['sent', document])
    expect(await outcomeOf(undefined)).toEqual(['next'])
    expect(await outcomeOf(Promise.resolve(undefined))).toEqual(['next'])
    const failure = new Error('of the application')
    expect(await outcomeOf(Promise.reject(failure))).toEqual(['next', failure])
  })
})

describe('refuseUncalled', () => {
  it('[REAL-23] refuses a function that was mounted in place of what it gives', () => {
    expect(() => refuseUncalled('metadata', [])).not.toThrow()
    const message = '`metadata` was mounted without being called. Write `app.use(gate.metadata())`.'
    expect(() => refuseUncalled('metadata', [{}])).toThrow(new ConfigurationError(message))
  })
})
