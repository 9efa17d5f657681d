import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createDpopClient, createTestIssuer } from 'portcullis/testing'
import { startChain } from '../src/chain.js'

const issuer = createTestIssuer({ clients: { agent: 'agent-secret', tools: 'tools-secret' } })
const { agent, calendar, mcpUrl, close } = await startChain(await issuer.listen())

after(async () => {
  close()
  await issuer.close()
})

const scope = 'agent mcp calendar:read calendar:write'
const alice = { sub: 'alice', aud: agent, scope }

function call(url: string, token?: string) {
  return fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
}

test('each hop sees the user and who acts, with fewer scopes than the hop before', async () => {
  const answer = await call(`${agent}/agenda`, issuer.mintToken(alice))
  assert.equal(answer.status, 200)
  assert.deepEqual(await answer.json(), {
    agent: { subject: 'alice', scopes: scope.split(' '), scheme: 'Bearer' },
    tools: { subject: 'alice', actor: { sub: 'agent' }, scopes: ['mcp', 'calendar:read'], scheme: 'DPoP' },
    calendar: {
      subject: 'alice',
      actor: { sub: 'tools', act: { sub: 'agent' } },
      scopes: ['calendar:read'],
      scheme: 'DPoP',
    },
  })
})

test('a caller without a token, or without the scope, gets no further than the agent', async () => {
  const exchanges = issuer.requestCount('token')
  const refused = await call(`${agent}/agenda`)
  assert.equal(refused.status, 401)
  assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer resource_metadata=/)
  assert.equal((await call(`${agent}/agenda`, issuer.mintToken({ ...alice, scope: 'mcp' }))).status, 403)
  assert.equal(issuer.requestCount('token'), exchanges)
})

test("the user's own token opens nothing behind the agent", async () => {
  const token = issuer.mintToken(alice)
  assert.equal((await call(mcpUrl, token)).status, 401)
  assert.equal((await call(`${calendar}/events`, token)).status, 401)
})

test('a token of the calendar is of no use without the key it is bound to', async () => {
  const owner = createDpopClient()
  const claims = { sub: 'alice', aud: calendar, scope: 'calendar:read', cnf: { jkt: owner.jkt } }
  const accessToken = issuer.mintToken(claims)
  const url = `${calendar}/events`
  assert.equal((await call(url, accessToken)).status, 401)
  assert.equal((await fetch(url, { headers: { ...createDpopClient().headers({ url, accessToken }) } })).status, 401)
  assert.equal((await fetch(url, { headers: { ...owner.headers({ url, accessToken }) } })).status, 200)
})
