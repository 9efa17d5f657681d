/*
 * The client that the MCP conformance package runs: the official SDK, with the `fetch` of `createMcpAuthProvider`. The URL of
 * the server is its last argument; the scenario and what belongs to it are in the environment.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { importPKCS8 } from 'jose'
import { type ClientCredential, clientSecretBasic, createOAuthClient, privateKeyJwt } from '../../src/client/index.js'
import { clientCredentialsSignIn, createMcpAuthProvider, enterpriseSignIn, type SignIn } from '../../src/login/index.js'
import { nativeSignIn } from '../../src/native/index.js'

const serverUrl = process.argv.at(-1) as string
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Readonly<Record<string, string>>

/** The page of the login, as a browser without a user: every redirect is followed. */
const inBrowser = nativeSignIn({ openBrowser: (url) => fetch(url) })

const signInWays: Readonly<Record<string, () => SignIn>> = {
  'auth/client-credentials-jwt': clientCredentialsSignIn,
  'auth/client-credentials-basic': clientCredentialsSignIn,
  'auth/cross-app-access-complete-flow': enterprise,
}

function enterprise(): SignIn {
  const clientId = context['idp_client_id'] as string
  const identityProvider = createOAuthClient({
    issuer: context['idp_issuer'] as string,
    allowInsecureLoopback: true,
    credential: { method: 'client_secret_post', clientId, authenticate: () => ({ form: { client_id: clientId } }) },
  })
  return enterpriseSignIn({ identityProvider, subjectToken: () => context['idp_id_token'] as string })
}

async function credential(): Promise<ClientCredential | undefined> {
  const { client_id: clientId, client_secret: clientSecret, private_key_pem: pem, signing_algorithm: alg } = context
  if (clientId === undefined) return undefined
  if (clientSecret !== undefined) return clientSecretBasic({ clientId, clientSecret })
  const privateKey = await importPKCS8(pem as string, alg as string)
  return privateKeyJwt({ clientId, keys: [{ key: privateKey }] })
}

const own = await credential()
const provider = createMcpAuthProvider({
  serverUrl,
  signIn: signInWays[scenario]?.() ?? inBrowser,
  clientName: 'Portcullis conformance client',
  clientDocument: { url: 'https://conformance-test.local/client-metadata.json' },
  registration: own === undefined ? {} : false,
  ask: () => own,
  allowInsecureLoopback: true,
})

const client = new Client(
  { name: 'portcullis-conformance', version: '1.0.0' },
  { capabilities: { elicitation: { form: { applyDefaults: true } } } },
)
client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: {} }))
const transport = new StreamableHTTPClientTransport(new URL(serverUrl), { fetch: provider.fetch })
await client.connect(transport as Parameters<typeof client.connect>[0])
const calls: Readonly<Record<string, { readonly name: string; readonly arguments?: Record<string, unknown> }>> = {
  tools_call: { name: 'add_numbers', arguments: { a: 5, b: 3 } },
  'elicitation-sep1034-client-defaults': { name: 'test_client_elicitation_defaults' },
  'sse-retry': { name: 'test_reconnection' },
}
await client.listTools()
if (scenario !== 'initialize') await client.callTool(calls[scenario] ?? { name: 'test-tool', arguments: {} })
await client.close()
await provider.close()
