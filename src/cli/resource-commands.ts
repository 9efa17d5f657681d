/** The commands for protected resources, as the table of commands has them. */
import type { Command, Flag } from './command-shape.js'

const unknown = 'could not be told: network, configuration, usage'

const shared: readonly Flag[] = [
  {
    name: 'store',
    value: 'KIND',
    choices: ['keyring', 'encrypted', 'file'],
    describes: 'where the tokens are kept; default keyring; file is plain text',
  },
  {
    name: 'client-id',
    value: 'ID',
    describes: 'of a client that is registered before; its secret is in PORTCULLIS_CLIENT_SECRET',
  },
  { name: 'client-document', value: 'URL', describes: 'the metadata document of the client (CIMD)' },
  { name: 'scope', value: 'SCOPES', describes: 'to ask for besides, with spaces between them' },
  { name: 'no-browser', describes: 'open no browser, show the address' },
  { name: 'port', value: 'N', describes: 'the port to listen on; default any' },
]

/** The commands, in the order of the help. */
export const resourceCommands: readonly Command[] = [
  {
    name: 'mcp login',
    summary: 'signs you in at an MCP server, and shows each step',
    operand: { name: 'URL', isRequired: true, describes: 'the URL of the MCP server' },
    flags: [...shared, { name: 'force', describes: 'forget and revoke the tokens there are, and sign in anew' }],
    examples: [
      ['portcullis mcp login https://mcp.example.com/mcp', 'in the browser'],
      ['portcullis mcp login https://mcp.example.com/mcp --force --json', 'what a client finds, for a script'],
    ],
    exits: { 0: 'signed in', 1: 'refused, or not in time', 2: `interrupted, or ${unknown}` },
    json: '`resource`, `steps` (`step`, `found`), `tokenType`, `scope`, `expiresAt`, `store`',
  },
  {
    name: 'fetch',
    summary: 'sends a request, with a token it gets where the resource says',
    operand: { name: 'URL', isRequired: true, describes: 'the resource, or a URL below it' },
    flags: [
      { name: 'resource', value: 'URL', describes: 'the identifier of the resource; default: the URL itself' },
      { name: 'method', value: 'METHOD', describes: 'default GET; with --data POST' },
      { name: 'data', value: 'TEXT', describes: 'the body, or - for stdin' },
      { name: 'content-type', value: 'TYPE', describes: 'of the body; default application/json' },
      ...shared,
    ],
    examples: [
      ['portcullis fetch https://api.example.com/me', 'a resource that is its own identifier'],
      ['portcullis fetch https://api.example.com/v1/me --resource https://api.example.com/', 'one below it'],
    ],
    exits: { 0: 'a 2xx answer', 1: 'any other answer, or a login that was refused', 2: `interrupted, or ${unknown}` },
    json: '`url`, `status`, `contentType`, `body` (text), `steps` (`step`, `found`)',
  },
]
