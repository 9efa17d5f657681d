import { describe, expect, it } from 'vitest'
import { quickRetry, rejection, setUpClient } from '../../../support/client-set-up.js'
import { answer, html503, plain, refusal, reset } from '../../../support/fake-token-endpoint.js'

describe('introspection', () => {
  it('[S0-60] asks with a hint and gives the answer back', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/introspect', reset(), answer({ active: true, sub: 'alice' }))
    expect(await client.introspect('the-token', { tokenTypeHint: 'access_token' })).toMatchObject({
      active: true,
      sub: 'alice',
    })
    const [, request] = server.at('/introspect')
    expect(Object.fromEntries(request?.form ?? [])).toEqual({ token: 'the-token', token_type_hint: 'access_token' })
    expect(request?.headers['authorization']).toMatch(/^Basic /)
  })

  it('[S0-60] [S0-61] sends no hint where there is none', async () => {
    const { server, client } = setUpClient()
    server.script('/introspect', answer({ active: false }))
    await client.introspect('t')
    await client.revoke('t')
    const sent = [...server.at('/introspect'), ...server.at('/revoke')]
    expect(sent.map(({ form }) => [...form.keys()])).toEqual([['token'], ['token']])
  })

  it('refuses an answer whose `active` is no boolean, and an absent token', async () => {
    const { server, client } = setUpClient()
    server.script('/introspect', answer({ active: 'true' }))
    await expect(client.introspect('the-token')).rejects.toMatchObject({ code: 'ERR_RESPONSE_MALFORMED' })
    await expect(client.introspect('')).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
  })
})

describe('revocation', () => {
  it('[REV-01] [S0-61] posts token and hint with client authentication', async () => {
    const { server, client } = setUpClient()
    server.script('/revoke', plain('', 'text/plain'))
    await client.revoke('the-token', { tokenTypeHint: 'refresh_token' })
    const [request] = server.at('/revoke')
    expect(request?.method).toBe('POST')
    expect(Object.fromEntries(request?.form ?? [])).toEqual({ token: 'the-token', token_type_hint: 'refresh_token' })
    expect(request?.headers['authorization']).toMatch(/^Basic /)
  })

  it('[REV-01] refuses an endpoint that is not https', async () => {
    const { server, client } = setUpClient()
    server.metadata = { revocation_endpoint: 'http://as.example/revoke' }
    await expect(client.revoke('the-token')).rejects.toMatchObject({ code: 'ERR_INSECURE_URL' })
    expect(server.at('/revoke')).toHaveLength(0)
  })

  it('[REV-02] takes every 200 for done, whatever its body', async () => {
    const { server, client } = setUpClient()
    server.script('/revoke', plain('<html>ok</html>', 'text/html'), answer({ error: 'nonsense' }))
    await expect(client.revoke('the-token')).resolves.toBeUndefined()
    await expect(client.revoke('the-token')).resolves.toBeUndefined()
  })

  it('[REV-03] tells 503 with its Retry-After, unsupported_token_type and invalid_client apart', async () => {
    const { server, client } = setUpClient()
    server.script(
      '/revoke',
      html503({ 'retry-after': '7' }),
      refusal('unsupported_token_type'),
      refusal('invalid_client', undefined, 401),
    )
    expect(await rejection(client.revoke('t'))).toMatchObject({
      code: 'ERR_UNAVAILABLE',
      retryAfterMs: 7000,
      retryable: true,
    })
    expect(await rejection(client.revoke('t'))).toMatchObject({ code: 'ERR_UNSUPPORTED_TOKEN_TYPE', retryable: false })
    expect(await rejection(client.revoke('t'))).toMatchObject({ code: 'ERR_INVALID_CLIENT', status: 401 })
  })

  it('[REV-03] repeats after 503', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script('/revoke', html503(), plain(''))
    await client.revoke('the-token')
    expect(server.at('/revoke')).toHaveLength(2)
  })

  it('tells when the server has no such endpoint', async () => {
    const { server, client } = setUpClient()
    server.metadata = { revocation_endpoint: undefined }
    await expect(client.revoke('the-token')).rejects.toMatchObject({ code: 'ERR_ENDPOINT_MISSING' })
  })
})
