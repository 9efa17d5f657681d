import { describe, expect, it } from 'vitest'
import { toSurroundings } from '../../../../src/kit/surroundings.js'
import { findResource, issuerAtOrigin, isWithin } from '../../../../src/login/resource/find-resource.js'

const resource = 'https://api.example/mcp'
const wellKnown = 'https://api.example/.well-known/oauth-protected-resource'
const issuer = 'https://as.example'
const good = { resource, authorization_servers: [issuer] }

/** A network of documents; what it was asked, and with what. */
function network(documents: Readonly<Record<string, object | Response | Error>>) {
  const asked: string[] = []
  const fields: object[] = []
  const fetch = async (url: string, { headers }: { readonly headers: Readonly<Record<string, string>> }) => {
    asked.push(url)
    fields.push(headers)
    const found = documents[url] ?? new Response(null, { status: 404 })
    if (found instanceof Error) throw found
    return found instanceof Response ? found.clone() : Response.json(found)
  }
  return { asked, fields, surroundings: toSurroundings({ fetch: fetch as never }) }
}

async function find(documents: Parameters<typeof network>[0], about: Partial<Parameters<typeof findResource>[0]> = {}) {
  const { surroundings, asked, fields } = network(documents)
  const whole = { resource, requestUrl: resource, metadataUrl: undefined, allowsParent: false, ...about }
  const found = await findResource(whole, surroundings).catch(({ code, detail, operation }) => ({
    code,
    detail,
    operation,
  }))
  return { found, asked, fields }
}

const refused = (detail: string, code = 'ERR_RESOURCE_METADATA') => ({ code, detail, operation: 'discovery' })

describe('the metadata of a resource', () => {
  it('[PRM-07] is asked for as JSON at the path of the resource, then at the root, each once', async () => {
    const nowhere = await find({})
    expect(nowhere).toEqual({
      found: undefined,
      asked: [`${wellKnown}/mcp`, wellKnown],
      fields: [{ accept: 'application/json' }, { accept: 'application/json' }].map((one) =>
        expect.objectContaining(one),
      ),
    })
    expect((await find({}, { resource: 'https://api.example/' })).asked).toEqual([wellKnown])
    expect((await find({}, { resource: 'https://api.example/a/?b' })).asked).toEqual([`${wellKnown}/a?b`, wellKnown])
  })

  it('is what the document says, as far as it can be read', async () => {
    const of = async (members: object) => (await find({ [`${wellKnown}/mcp`]: { resource, ...members } })).found
    const least = { resource, url: `${wellKnown}/mcp`, issuers: [], scopes: undefined, dpop: 'no' }
    expect(await of({})).toEqual(least)
    expect(await of({ authorization_servers: [issuer], scopes_supported: ['a'] })).toEqual({
      ...{ ...least, issuers: [issuer], scopes: ['a'] },
    })
    expect(await of({ authorization_servers: issuer, scopes_supported: 'a' })).toEqual(least)
    for (const [members, dpop] of [
      [{ dpop_signing_alg_values_supported: ['ES256'] }, 'yes'],
      [{ dpop_signing_alg_values_supported: [] }, 'no'],
      [{ dpop_signing_alg_values_supported: 'ES256' }, 'no'],
      [{ dpop_bound_access_tokens_required: true }, 'required'],
      [{ dpop_bound_access_tokens_required: 'true' }, 'no'],
    ] as const) {
      expect(await of(members)).toEqual({ ...least, dpop })
    }
  })

  it.each<[string, object | Response | Error, object | undefined]>([
    ['nothing', new Response(null, { status: 404 }), undefined],
    ['what is no success', Response.json(good, { status: 203 }), undefined],
    ['a redirect', new Response(null, { status: 302, headers: { Location: resource } }), undefined],
    ['what is no text', new Response(new Uint8Array([0xff])), undefined],
    ['what is no JSON', new Response('<html>'), undefined],
    [
      'a server that fails',
      new Response(null, { status: 500 }),
      refused('the address answered 500', 'ERR_DISCOVERY_UNAVAILABLE'),
    ],
    [
      'a server that has enough',
      new Response(null, { status: 429 }),
      refused('the address answered 429', 'ERR_DISCOVERY_UNAVAILABLE'),
    ],
    ['no connection', new TypeError('fetch failed'), refused('network', 'ERR_DISCOVERY_UNAVAILABLE')],
    [
      'a document of another resource',
      { ...good, resource: 'https://api.example/MCP' },
      refused('`resource` names another resource'),
    ],
    ['a document of none', { authorization_servers: [issuer] }, refused('`resource` names another resource')],
    ['a document of many', { ...good, resource: [resource] }, refused('`resource` names another resource')],
  ])('[PRM-08] where the address has %s', async (_what, answer, expected) => {
    expect((await find({ [`${wellKnown}/mcp`]: answer })).found).toEqual(expected)
  })

  it('[PRM-08] is that of the challenge alone, where it names an address', async () => {
    const metadataUrl = 'https://docs.example/about'
    expect((await find({ [metadataUrl]: good, [`${wellKnown}/mcp`]: {} }, { metadataUrl })).asked).toEqual([
      metadataUrl,
    ])
    expect((await find({}, { metadataUrl })).found).toEqual(refused('the address in the challenge has no document'))
    expect((await find({}, { metadataUrl: 'http://docs.example/about' })).found).toEqual(refused('insecure_url'))
    expect((await find({}, { metadataUrl: 'https://10.0.0.1/about' })).found).toEqual(refused('private_address'))
    const requestUrl = `${resource}/a`
    const named = {
      [metadataUrl]: { ...good, resource: requestUrl },
      [`${wellKnown}/mcp`]: { ...good, resource: requestUrl },
    }
    expect((await find(named, { metadataUrl, requestUrl })).found).toMatchObject({ resource: requestUrl })
    expect((await find(named, { requestUrl })).found).toEqual(refused('`resource` names another resource'))
  })

  it('[PRM-08] names one resource in a text, also where it may be one above', async () => {
    for (const named of [['https://api.example'], [resource], { toString: 'x' }, 7]) {
      const documents = { [`${wellKnown}/mcp`]: { ...good, resource: named } }
      expect((await find(documents, { allowsParent: true })).found).toEqual(
        refused('`resource` names another resource'),
      )
    }
  })

  it('[C-18] may be of a private host that the application named itself', async () => {
    const own = 'https://10.0.0.1/mcp'
    const url = 'https://10.0.0.1/.well-known/oauth-protected-resource/mcp'
    expect((await find({ [url]: { ...good, resource: own } }, { resource: own })).found).toMatchObject({
      resource: own,
    })
  })
})

describe('the issuer that the origin of a resource names', () => {
  const url = 'https://api.example/.well-known/oauth-authorization-server'
  const asked = async (answer: object | Response) => {
    const { surroundings, fields } = network({ [url]: answer })
    const found = await issuerAtOrigin(resource, surroundings).catch(({ code, detail, operation }) => ({
      code,
      detail,
      operation,
    }))
    return { found, field: (fields[0] as Record<string, string>)['mcp-protocol-version'] }
  }

  it('is one of that origin, and no other', async () => {
    const none = refused('the origin of the resource names no issuer of its own', 'ERR_RESOURCE_ISSUER')
    for (const own of ['https://api.example', 'https://api.example/tenant']) {
      expect(await asked({ issuer: own })).toEqual({ found: own, field: '2025-03-26' })
    }
    const others = [
      'https://evil.example',
      'https://api.example:444',
      'http://api.example',
      'https://api.example/?a',
      'x',
      '',
    ]
    for (const other of [...others, undefined, ['https://api.example'], 5]) {
      expect([other, (await asked({ issuer: other })).found]).toEqual([other, none])
    }
    expect((await asked(new Response(null, { status: 404 }))).found).toBeUndefined()
  })
})

describe('isWithin', () => {
  it.each([
    ['https://api.example/team', true],
    ['https://api.example/team/', true],
    ['https://api.example', true],
    ['https://api.example/', true],
    ['https://api.example/team/mcp', true],
    ['https://api.example/team/mcp/more', false],
    ['https://api.example/tea', false],
    ['https://api.example/team?x', false],
    ['https://api.example/team#x', false],
    ['https://user@api.example/team', false],
    ['http://api.example/team', false],
    ['https://api.example:444/team', false],
    ['team', false],
  ])('[C-18] judges %s', (parent, expected) => {
    expect(isWithin('https://api.example/team/mcp', parent)).toBe(expected)
  })
})
