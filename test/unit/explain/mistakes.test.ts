import { createResourceServer, isPortcullisError, type PortcullisEvent } from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { issuerUrl, makeMistake, ordinaryMistakes, resource } from '../../support/ordinary-mistakes.js'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now, issuer: issuerUrl })
const page = 'https://github.com/portcullis-auth/portcullis/blob/main/docs/troubleshooting.md'

describe('ordinary mistakes, and the sentence that cures each', () => {
  it.each(ordinaryMistakes)('[REAL-40] %s', async (_title, mistake, cures) => {
    const events: PortcullisEvent[] = []
    const { server, facts, requirement, token } = makeMistake(mistake, (event) => events.push(event))
    expect((await server.authenticate(facts, requirement)).ok).toBe(false)
    const { code, sentence = '' } = events.find((event) => event.type === 'auth.refused') ?? {}
    for (const cure of cures) expect(sentence).toContain(cure)
    expect(sentence.endsWith(` See ${page}#${code?.toLowerCase()}`)).toBe(true)
    expect(sentence.length).toBeLessThan(900)
    expect((await server.explain(facts, requirement)).sentence).toBe(sentence)
    expect(JSON.stringify(events)).not.toContain(token.slice(-20))
  })

  it('[REAL-40] are many more than forty, each of its own', () => {
    expect(ordinaryMistakes.length).toBeGreaterThan(60)
    expect(new Set(ordinaryMistakes.map(([title]) => title)).size).toBe(ordinaryMistakes.length)
    expect(ordinaryMistakes.filter(([, , cures]) => cures.every((cure) => cure === ''))).toEqual([])
  })

  it.each([
    [
      'the discovery URL as issuer',
      { issuer: `${issuerUrl}/realms/a/.well-known/openid-configuration` },
      "Write the issuer itself, 'https://login.example.com/realms/a'",
    ],
    [
      'the metadata URL of RFC 8414 as issuer',
      { issuer: `${issuerUrl}/.well-known/oauth-authorization-server/realms/a` },
      "'https://login.example.com/realms/a'",
    ],
    ['the key set as issuer', { issuer: `${issuerUrl}/.well-known/jwks.json` }, "'https://login.example.com'"],
    ['the application ID URI of Entra ID as resource', { resource: 'api://1234' }, "audience: 'api://…'"],
    [
      'a server of a container network',
      { issuer: 'http://keycloak:8080/realms/a' },
      "dangerouslyAllowInsecureHosts: ['keycloak:8080']",
    ],
    ['a server on this machine', { issuer: 'http://localhost:8080/realms/a' }, '`allowInsecureLoopback: true`'],
    ['an option with a typing error', { isuer: 'x' }, 'Did you mean `issuer`?'],
  ])('[REAL-40] %s, when the server is made', (_title, options, cure) => {
    expect(cureOf(() => createResourceServer({ resource, issuer: issuerUrl, ...options } as never))).toContain(cure)
  })

  it('[REAL-40] keys that are not published, once the issuer was asked for too many', async () => {
    const sentences: (string | undefined)[] = []
    const onEvent = (event: PortcullisEvent) =>
      event.type === 'auth.refused' && sentences.push(`${event.status} ${event.sentence}`)
    const options = { resource, issuer: issuerUrl, fetch: issuer.fetch, clock: clock.now, explainRefusals: true }
    const server = createResourceServer({ ...options, onEvent })
    for (const kid of ['a', 'b', 'c', 'd', 'e']) {
      const authorization = `Bearer ${issuer.mintToken({ aud: resource }, { header: { kid } })}`
      await server.authenticate(requestFacts({ url: '/me', headers: { authorization } }))
    }
    expect(sentences).toEqual([
      ...['a', 'b', 'c', 'd'].map((kid) => expect.stringMatching(`^401 .* publishes no key with \`kid\` "${kid}"`)),
      expect.stringMatching(/^503 .*asked for unknown ones too often.*`keys\.unknown`/),
    ])
  })

  it('[REAL-40] a form that nothing parsed, where a token may come in one', async () => {
    const server = createResourceServer({
      resource: { resource, bearerMethods: ['header', 'body'] },
      issuer: issuerUrl,
      fetch: issuer.fetch,
      clock: clock.now,
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '214' }
    const facts = { ...requestFacts({ url: '/me', method: 'POST', headers }), formBody: () => undefined }
    const { status, sentence } = await server.explain(facts)
    expect([status, sentence]).toEqual([
      500,
      expect.stringContaining('mount a body parser for application/x-www-form-urlencoded'),
    ])
  })

  it('[REAL-40] scopes with commas, and a guard that is not called, when the route is made', () => {
    const server = createResourceServer({ resource, issuer: issuerUrl })
    expect(cureOf(() => server.guard({ scope: 'read,write' }))).toContain("separated by spaces: 'read write'")
    expect(() => server.guard({ scope: ['read,write'] })).not.toThrow()
    for (const request of [{ headers: {}, method: 'GET' }, { req: {}, method: 'GET' }, new Request(resource)]) {
      expect(cureOf(() => server.guard(request as never))).toContain('`requireToken()`, not `requireToken`')
    }
  })
})

function cureOf(make: () => unknown): string {
  try {
    make()
  } catch (error) {
    return isPortcullisError(error) ? error.message : String(error)
  }
  return 'nothing was thrown'
}
