import { describe, expect, it } from 'vitest'
import { setUpClient } from '../../../support/client-set-up.js'

describe('the way out', () => {
  it('sends to an unnamed loopback host under `allowInsecureLoopback`, and to no other private one', async () => {
    const { server, client } = setUpClient({ allowInsecureLoopback: true, issuer: 'https://login.example' })
    server.metadata = { token_endpoint: 'http://127.0.0.1:9/token' }
    await expect(client.clientCredentials()).resolves.toMatchObject({ accessToken: 'issued-access-token' })
    expect(server.at('/token')).toHaveLength(1)

    const elsewhere = setUpClient({ allowInsecureLoopback: true, issuer: 'https://login.example' })
    elsewhere.server.metadata = { token_endpoint: 'https://10.0.0.1/token' }
    await expect(elsewhere.client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_PRIVATE_ADDRESS' })
    expect(elsewhere.server.at('/token')).toHaveLength(0)
  })

  it('refuses a redirect also where its body cannot be cancelled', async () => {
    const { server, client } = setUpClient()
    const body = new ReadableStream({ cancel: () => Promise.reject(new Error('stuck')) })
    server.script('/token', () => new Response(body, { status: 301 }))
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_REDIRECT_REFUSED' })
  })
})
