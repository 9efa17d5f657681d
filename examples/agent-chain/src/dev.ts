/** The whole chain on your own machine, with an authorization server in the same process: npm start */
import { createTestIssuer } from 'portcullis/testing'
import { startChain } from './chain.js'

const issuer = createTestIssuer({ clients: { agent: 'agent-secret', tools: 'tools-secret' }, lifetimeSeconds: 3600 })
const { agent } = await startChain(await issuer.listen(), Number(process.env['PORT'] ?? 3000))
const token = issuer.mintToken({ sub: 'alice', aud: agent, scope: 'agent mcp calendar:read calendar:write' })
console.log(`The agent is at ${agent}`)
console.log(`Try: curl -i ${agent}/agenda -H 'Authorization: Bearer ${token}'`)
