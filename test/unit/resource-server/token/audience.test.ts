import {
  ConfigurationError,
  createResourceServer,
  type IssuerOptions,
  type JsonObject,
  type ResourceOptions,
} from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { introspectingServer } from '../../../support/introspecting-server.js'

const mail = 'https://api.example.com/mail'
const files = 'https://api.example.com/files'

function world(options: Omit<IssuerOptions, 'issuer'>, resources: readonly (string | ResourceOptions)[] = [mail]) {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now })
  const server = createResourceServer({
    resource: resources,
    issuer: { issuer: issuer.issuer, ...options },
    fetch: issuer.fetch,
    clock: clock.now,
  })
  const call = async (token: string, resource = mail) => {
    const facts = requestFacts({ headers: { authorization: `Bearer ${token}` } })
    const result = await server.authenticate(facts, { resource })
    return result.ok ? 'ok' : result.error.code
  }
  return {
    issuer,
    clock,
    call,
    judge: (claims: JsonObject, resource?: string) => call(issuer.mintToken(claims), resource),
  }
}

describe('an issuer whose tokens have no audience', () => {
  const audienceFrom = { claims: { client_id: ['web', 'mobile'], token_use: 'access' } }

  it.each([undefined, []])('[REAL-29] is refused by default, with aud %j', async (aud) => {
    const { judge } = world({})
    expect(await judge({ aud })).toBe('ERR_TOKEN_CLAIM_MISSING')
  })

  it.each([undefined, []])('[REAL-29] passes by what stands for aud, with aud %j', async (aud) => {
    const { judge } = world({ audienceFrom })
    expect(await judge({ aud, client_id: 'mobile', token_use: 'access' })).toBe('ok')
    for (const claims of [
      { client_id: 'mobile' },
      { client_id: 'other', token_use: 'access' },
      { client_id: undefined, token_use: 'access', azp: 'web' },
      { token_use: 'access' },
    ]) {
      const code = await judge({ aud, ...claims })
      expect(code, JSON.stringify(claims)).toMatch(/^ERR_TOKEN_(AUDIENCE|CLAIM_MISSING)$/)
    }
  })

  it('[REAL-29] judges an aud that is there by itself alone', async () => {
    const { judge } = world({ audienceFrom })
    const claims = { client_id: 'web', token_use: 'access' }
    expect(await judge({ ...claims, aud: mail })).toBe('ok')
    expect(await judge({ ...claims, aud: 'https://other.test' })).toBe('ERR_TOKEN_AUDIENCE')
    expect(await judge({ ...claims, aud: 'web' })).toBe('ERR_TOKEN_AUDIENCE')
    expect(await judge({ ...claims, aud: null })).toBe('ERR_TOKEN_CLAIM_INVALID')
  })

  it('[REAL-29] takes alternatives, of which one suffices, and a text for a claim', async () => {
    const { judge } = world({ audienceFrom: [{ claims: { azp: 'https://app.test' } }, { claims: { cid: ['x'] } }] })
    expect(await judge({ aud: undefined, azp: 'https://app.test' })).toBe('ok')
    expect(await judge({ aud: undefined, cid: 'x' })).toBe('ok')
    expect(await judge({ aud: undefined, azp: 'https://evil.test' })).toBe('ERR_TOKEN_AUDIENCE')
  })

  it('[REAL-29] [REAL-36] stands for the resource it names and for no other, on every use', async () => {
    const { issuer, call } = world(
      {
        audienceFrom: [
          { resource: mail, claims: { azp: 'mailer' } },
          { resource: files, claims: { azp: 'filer' } },
        ],
      },
      [mail, files],
    )
    const token = issuer.mintToken({ aud: undefined, azp: 'mailer' })
    for (let times = 0; times < 2; times++) {
      expect(await call(token, mail)).toBe('ok')
      expect(await call(token, files)).toBe('ERR_TOKEN_AUDIENCE')
    }
    expect(await call(issuer.mintToken({ aud: undefined, azp: 'filer' }), files)).toBe('ok')
  })

  it('[REAL-29] holds for introspected tokens as well', async () => {
    const { outcomeOf } = introspectingServer({ issuer: { audienceFrom: { claims: { client_id: 'web' } } } })
    expect(await outcomeOf({ aud: undefined, client_id: 'web' })).toBe('accepted')
    expect(await outcomeOf({ aud: [], client_id: 'web' })).toBe('accepted')
    expect(await outcomeOf({ aud: undefined, client_id: 'other' })).toBe('401 ERR_TOKEN_AUDIENCE')
    const lax = introspectingServer({
      introspection: { dangerouslyAllowMissingAudience: true },
      issuer: { audienceFrom: { claims: { client_id: 'web' } } },
    })
    expect(await lax.outcomeOf({ aud: undefined, client_id: 'other' })).toBe('401 ERR_TOKEN_AUDIENCE')
  })

  it.each<[string, unknown, RegExp]>([
    ['nothing', [], /`audienceFrom` is empty/],
    ['no object', 'client_id', /must be an object/],
    ['a misspelt member', { claim: { azp: 'x' } }, /Did you mean `claims`/],
    ['no claims', {}, /`audienceFrom\.claims` takes conditions/],
    ['empty claims', { claims: {} }, /takes conditions/],
    ['a list of claims', { claims: [{ azp: 'x' }] }, /takes conditions/],
    ['presence alone', { claims: { azp: { present: true } } }, /any token of the issuer passes/],
    ['the kind alone', { claims: { token_use: 'access', typ: ['Bearer'] } }, /any token of the issuer passes/],
    ['the issuer alone', { claims: { iss: 'https://issuer.test' } }, /any token of the issuer passes/],
    ['a resource that is none', { claims: { azp: 'x' }, resource: 5 }, /`audienceFrom\.resource` takes/],
    ['a foreign resource', { claims: { azp: 'x' }, resource: files }, /no resource of this server/],
  ])('[REAL-29] refuses %s at the start', (_what, given, message) => {
    const create = () => world({ audienceFrom: given as never })
    expect(create).toThrow(ConfigurationError)
    expect(create).toThrow(message)
  })

  it('[REAL-29] [REAL-36] wants the resource named where there are several', () => {
    expect(() => world({ audienceFrom }, [mail, files])).toThrow(/needs `resource`/)
    expect(() => world({ audienceFrom }, [mail, { resource: files, issuers: ['https://other.test'] }])).toThrow(
      /does not list/,
    )
  })
})

describe('an audience of an issuer, with several resources', () => {
  it('[REAL-36] is refused at the start where it would stand for several of them', () => {
    for (const audience of ['api', ['api', 'other'], { [mail]: 'api', [files]: ['x', 'api'] }, { [mail]: files }]) {
      const create = () => world({ audience }, [mail, files])
      expect(create, JSON.stringify(audience)).toThrow(ConfigurationError)
      expect(create, JSON.stringify(audience)).toThrow(/stand for several resources/)
    }
    expect(() => world({ audience: ['api', 'api'] })).not.toThrow()
  })

  it('[REAL-36] is given by resource: a token of one does not pass at another', async () => {
    const { issuer, call } = world({ audience: { [mail]: ['mail', 'post'], [files]: 'files' } }, [mail, files])
    const tokens = ['mail', 'files', ['post'], mail].map((aud) => issuer.mintToken({ aud }))
    for (let times = 0; times < 2; times++) {
      const atMail = await Promise.all(tokens.map((token) => call(token, mail)))
      const atFiles = await Promise.all(tokens.map((token) => call(token, files)))
      expect(atMail).toEqual(['ok', 'ERR_TOKEN_AUDIENCE', 'ok', 'ERR_TOKEN_AUDIENCE'])
      expect(atFiles).toEqual(['ERR_TOKEN_AUDIENCE', 'ok', 'ERR_TOKEN_AUDIENCE', 'ERR_TOKEN_AUDIENCE'])
    }
  })

  it('[REAL-36] leaves the audiences of a resource that is not named', async () => {
    const { judge } = world({ audience: { [mail]: 'mail' } }, [mail, { resource: files, audience: 'my-files' }])
    expect(await judge({ aud: 'my-files' }, files)).toBe('ok')
    expect(await judge({ aud: 'mail' }, files)).toBe('ERR_TOKEN_AUDIENCE')
    expect(await judge({ aud: 'mail' }, mail)).toBe('ok')
  })

  it('[REAL-36] may be one for all where the issuer issues for one resource alone', async () => {
    const clock = createFrozenClock()
    const [one, two] = ['https://one.test', 'https://two.test'].map((issuer) =>
      createTestIssuer({ issuer, clock: clock.now }),
    )
    const options = {
      resource: [
        { resource: mail, issuers: ['https://one.test'] },
        { resource: files, issuers: ['https://two.test'] },
      ],
      issuer: [{ issuer: 'https://one.test', audience: 'api' }, 'https://two.test'],
      clock: clock.now,
    }
    const server = createResourceServer({
      ...options,
      fetch: (url, init) => (url.startsWith('https://one.test') ? one : two)?.fetch(url, init) as never,
    })
    const token = one?.mintToken({ aud: 'api' }) as string
    await expect(server.verify(token, { resource: mail })).resolves.toMatchObject({ resource: mail })
  })

  it('[REAL-36] refuses a map that names no resource of the server, or nothing', () => {
    expect(() => world({ audience: { 'https://api.example.com/mial': 'x' } })).toThrow(
      /names https:\/\/api\.example\.com\/mial, which is no/,
    )
    expect(() => world({ audience: {} })).toThrow(/names no resource/)
    expect(() => world({ audience: { [mail]: undefined } as never })).toThrow(/takes a non-empty/)
    expect(() => world({ audience: { [mail]: [] } })).toThrow(/takes a non-empty/)
  })

  it('[REAL-36] holds for the issuer a function gives', async () => {
    const clock = createFrozenClock()
    const issuer = createTestIssuer({ clock: clock.now })
    const server = createResourceServer({
      resource: [mail, files],
      issuer: () => ({ audience: 'api' }),
      tenants: [issuer.issuer],
      fetch: issuer.fetch,
      clock: clock.now,
    })
    await expect(server.verify(issuer.mintToken({ aud: 'api' }), { resource: mail })).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
    })
  })
})

describe('options by their units', () => {
  it("[C-07] holds a token against its resource's own list of issuers, the first time it is seen as well", async () => {
    const clock = createFrozenClock()
    const good = createTestIssuer({ issuer: 'https://good.test', clock: clock.now, audience: [mail, files] })
    const other = createTestIssuer({ issuer: 'https://other.test', clock: clock.now, audience: [mail, files] })
    const fetched: string[] = []
    const make = () =>
      createResourceServer({
        resource: [{ resource: mail, issuers: [good.issuer] }, files],
        issuer: [good.issuer, other.issuer],
        fetch: (url, init) => {
          fetched.push(url)
          return (url.startsWith(good.issuer) ? good : other).fetch(url, init)
        },
        clock: clock.now,
      })
    const refusal = { code: 'ERR_TOKEN_ISSUER', status: 401 }
    await expect(make().verify(other.mintToken(), { resource: mail })).rejects.toMatchObject(refusal)
    expect(fetched).toEqual([])
    const server = make()
    const token = other.mintToken()
    await expect(server.verify(token, { resource: files })).resolves.toMatchObject({ issuer: other.issuer })
    await expect(server.verify(token, { resource: mail })).rejects.toMatchObject(refusal)
    await expect(server.verify(good.mintToken(), { resource: mail })).resolves.toMatchObject({ issuer: good.issuer })
  })

  it('[JWT-03] counts maxTokenAgeSeconds in seconds, clockToleranceSeconds too', async () => {
    const { issuer, clock, call } = world({ maxTokenAgeSeconds: 100, clockToleranceSeconds: 10, audience: mail })
    const iat = clock.now() / 1000
    const token = issuer.mintToken({ aud: mail })
    const expiring = issuer.mintToken({ aud: mail, exp: iat + 50 })
    clock.advance(59_000)
    expect(await call(expiring)).toBe('ok')
    clock.advance(1000)
    expect(await call(expiring)).toBe('ERR_TOKEN_EXPIRED')
    clock.advance(49_000)
    expect(await call(token)).toBe('ok')
    clock.advance(1000)
    expect(await call(token)).toBe('ERR_TOKEN_TOO_OLD')
    const ahead = clock.now() / 1000 + 10
    expect(await call(issuer.mintToken({ aud: mail, iat: ahead }))).toBe('ok')
    expect(await call(issuer.mintToken({ aud: mail, iat: ahead + 1 }))).toBe('ERR_TOKEN_NOT_YET_VALID')
  })
})

describe('what wrong audiences are told', () => {
  const issuer = 'https://issuer.test'
  const make = (options: object, resources: readonly string[] = [mail]) =>
    createResourceServer({ resource: resources, issuer: { issuer, ...options } })

  it.each<[object, readonly string[], string]>([
    [{ audienceFrom: [] }, [mail], '`audienceFrom` is empty; leave it out to demand `aud`.'],
    [{ audienceFrom: 'x' }, [mail], '`audienceFrom` must be an object.'],
    [
      { audienceFrom: { claims: { azp: 'a' }, resource: '' } },
      [mail],
      '`audienceFrom.resource` takes a non-empty string.',
    ],
    [{ audienceFrom: { claims: [{ azp: 'a' }] } }, [mail], '`audienceFrom.claims` takes conditions by claim'],
    [{ audienceFrom: {} }, [mail], '`audienceFrom.claims` takes conditions by claim'],
    [
      {
        audienceFrom: { claims: { iss: issuer, typ: 'a', token_use: ['a'], token_type: 'b', azp: { present: true } } },
      },
      [mail],
      '`audienceFrom` must hold a claim such as client_id or azp against values: without one, any token of the issuer passes.',
    ],
    [
      { audienceFrom: { claims: { azp: 'a' } } },
      [mail, files],
      `\`audienceFrom\` of the issuer ${issuer} needs \`resource\`: it may issue for several, and has to say for which.`,
    ],
    [
      { audienceFrom: { claims: { azp: 'a' }, resource: 'https://x.test' } },
      [mail],
      `\`audienceFrom\` of the issuer ${issuer} names https://x.test, which is no resource of this server that it may issue for.`,
    ],
    [{ audience: [] }, [mail], '`audience` takes a non-empty string or a non-empty array of them.'],
    [{ audience: {} }, [mail], '`audience` names no resource; leave it out for the audiences of the resources.'],
    [{ audience: { [mail]: '' } }, [mail], `\`audience.${mail}\` takes a non-empty string`],
    [
      { audience: { 'https://x.test': 'a' } },
      [mail],
      `\`audience\` of the issuer ${issuer} names https://x.test, which is no resource of this server that it may issue for.`,
    ],
    [
      { audience: 'a' },
      [mail, files],
      `\`audience\` of the issuer ${issuer} makes a stand for several resources, so that a token of one would pass at another. Give other audiences by resource, as in { [resource]: audience }, or name the issuer in \`issuers\` of one resource only.`,
    ],
  ])('%j for %j', (options, resources, message) => {
    expect(() => make(options, resources)).toThrow(message)
  })

  it('[REAL-29] takes one claim that tells clients apart, whatever stands beside it', () => {
    for (const claims of [{ azp: 'a' }, { azp: ['a', 'b'] }, { iss: issuer, client_id: 'a' }, { azp: 'a', typ: 'b' }]) {
      expect(() => make({ audienceFrom: { claims } })).not.toThrow()
    }
  })
})
