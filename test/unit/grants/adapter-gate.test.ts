import {
  ConfigurationError,
  createResourceServer,
  MissingTokenError,
  ResourceAccessError,
  withGrants,
} from 'portcullis'
import { createAdapterGate, createGrantGuard, isPreflight } from 'portcullis/adapter'
import { requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { refusal, reset } from '../../support/fake-token-endpoint.js'
import { calendar, caller, mail, setUpGrants } from '../../support/grants-set-up.js'

const alice = caller('alice-token')
const server = createResourceServer({ resource: 'https://api.example', issuer: 'https://as.example' })

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
    expect(setUp.exchanges()).toBe(0)
  })

  it('[REAL-19] refuses to be made without an engine, or for a grant that cannot be right', () => {
    for (const grants of [{}, null, () => {}]) {
      expect(() => createGrantGuard(server, grants as never, [calendar])).toThrow(ConfigurationError)
    }
    expect(() => createGrantGuard(server, setUpGrants().grants, [])).toThrow(ConfigurationError)
    expect(() => createGrantGuard(server, undefined, [calendar])).toThrow(ConfigurationError)
    expect(() => createGrantGuard(server, setUpGrants().grants, ['/relative'])).toThrow(ConfigurationError)
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
