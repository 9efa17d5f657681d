import { type Configuration, customFetch } from 'openid-client'
import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import type { Attempt } from '../../../../src/client/calls/attempt.js'
import { withConfiguration } from '../../../../src/client/calls/attempt-configuration.js'
import type { CallRunner } from '../../../../src/client/calls/run-call.js'
import { fakeAuthorizationServer, tokens } from '../../../support/fake-token-endpoint.js'

const credential = clientSecretBasic({ clientId: 'app', clientSecret: 'secret' })
const metadata = { issuer: 'https://as.example', token_endpoint: 'https://as.example/token' }
const destination = { identity: { clientId: 'app', credential }, metadata, endpoint: metadata.token_endpoint }
const attempt = { context: {}, fetch: async () => new Response() } as unknown as Attempt
const clientOf = (insecureHosts = false) => ({ settings: { insecureHosts } }) as unknown as CallRunner

describe('withConfiguration', () => {
  const used = async (client: CallRunner, at = destination) =>
    withConfiguration(client, at, attempt, async (config) => config)

  it('gives the configuration of a client to one attempt after the other, and to one at a time', async () => {
    const client = clientOf()
    const first = await used(client)
    expect(await used(client)).toBe(first)
    await withConfiguration(client, destination, attempt, async (outer) => {
      expect(outer).toBe(first)
      expect(await used(client)).not.toBe(first)
    })
    expect(await used(clientOf())).not.toBe(first)
  })

  it('makes another one for other metadata, and for another client of it', async () => {
    const client = clientOf()
    const first = await used(client)
    const second = await used(client, { ...destination, metadata: { ...metadata } })
    expect(second).not.toBe(first)
    const registered = { ...destination, identity: { clientId: 'registered', credential } }
    const third = await used(client)
    expect(await used(client, registered)).not.toBe(third)
    expect((await used(client, registered)).clientMetadata().client_id).toBe('registered')
  })

  it('lets nothing of an attempt that is over go out, nor be found', async () => {
    let config: Configuration | undefined
    const failing = withConfiguration(clientOf(), destination, attempt, async (given) => {
      config = given
      expect(given[customFetch]).toBe(attempt.fetch)
      throw new Error('refused')
    })
    await expect(failing).rejects.toThrow('refused')
    const send = config?.[customFetch] as () => Promise<Response>
    expect(send).not.toBe(attempt.fetch)
    await expect(send()).rejects.toMatchObject({ name: 'FetchFailure', reason: 'network' })
  })

  it('authenticates concurrent and later calls each for itself', async () => {
    const server = fakeAuthorizationServer()
    let calls = 0
    const authenticate = () => {
      calls += 1
      return { form: { client_assertion: `${calls}` } }
    }
    const counted = { ...credential, authenticate }
    const client = createOAuthClient({ issuer: server.issuer, credential: counted, fetch: server.fetch })
    server.script('/token', tokens({ issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' }))
    const exchange = (subjectToken: string) => client.exchangeToken({ subjectToken })
    await Promise.all([exchange('one'), exchange('two')])
    await exchange('three')
    const sent = server.at('/token').map(({ form }) => [form.get('subject_token'), form.get('client_assertion')])
    expect(sent).toEqual([
      ['one', '1'],
      ['two', '2'],
      ['three', '3'],
    ])
  })
})
