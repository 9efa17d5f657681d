/** Every command, flag and exit code: one table for parsing, help, completion and docs/command.md. */
import type { Command, Flag } from './command-shape.js'
import { resourceCommands } from './resource-commands.js'

export type { Command, CommandName, Flag } from './command-shape.js'

/** Flags that every command takes. */
export const commonFlags: readonly Flag[] = [
  {
    name: 'config',
    value: 'FILE',
    describes: 'the configuration; default: PORTCULLIS_CONFIG, ./portcullis.{json,yml}',
  },
  { name: 'json', describes: 'data as JSON' },
  { name: 'quiet', describes: 'nothing on stderr but warnings and errors' },
  { name: 'timeout', value: 'SECONDS', describes: 'for each request, 1 to 60; default 10' },
  { name: 'help', describes: 'this text' },
]

const unknown = 'could not be told: network, configuration, usage'

/** The shells there is a completion for. */
export const shells = ['bash', 'zsh', 'fish'] as const

const provider = {
  name: 'PROVIDER',
  isRequired: false,
  describes: 'a provider of the configuration; default: `defaultProvider`, or the only one',
} as const

/** The commands, in the order of the help. */
export const commands: readonly Command[] = [
  {
    name: 'check',
    summary: 'says why a token is good or not',
    operand: {
      name: 'TOKEN',
      isRequired: false,
      describes: 'the token, or - for stdin; default: PORTCULLIS_TOKEN, else the ID token of the login',
    },
    flags: [
      { name: 'token', value: 'TOKEN', describes: 'the token; other users of the machine see it in the process list' },
      { name: 'access-token', describes: 'judge it as an access token: the default' },
      { name: 'id-token', describes: 'judge it as an ID token' },
      { name: 'issuer', value: 'URL', describes: 'the issuer it should come from; may be asked for keys' },
      { name: 'audience', value: 'TEXT', describes: 'the API it should be for; for an ID token the client_id' },
      { name: 'allow-discovery', describes: 'ask whatever public issuer the token names' },
      { name: 'verbose', describes: 'header, claims and key as well' },
    ],
    examples: [
      ['portcullis check - --issuer https://id.example.com --audience https://api.example.com', 'a token from stdin'],
      ['PORTCULLIS_TOKEN=eyJ… portcullis check --allow-discovery', 'whoever issued it'],
      ['portcullis check - --id-token --audience my-app --json', 'an ID token, for a script'],
    ],
    exits: { 0: 'the token is good', 1: 'it is not', 2: unknown },
    json: 'the `TokenDiagnosis` of `diagnoseToken`: `ok`, `conclusive`, `failed`, `sentence`, `steps`, `header`, `payload`, `key` …',
  },
  {
    name: 'discover',
    summary: 'shows what an authorization server publishes of itself',
    operand: { name: 'URL', isRequired: true, describes: 'the issuer identifier' },
    flags: [],
    examples: [['portcullis discover https://id.example.com/realms/main', 'and which addresses were asked']],
    exits: { 0: 'metadata found', 1: 'the server publishes none, or that of another issuer', 2: unknown },
    json: '`issuer`, `url`, `attempts` (`url`, `status`, `failure`), `metadata`, `failure`, `missing`',
  },
  {
    name: 'keys',
    summary: 'shows the keys of an authorization server, and which can verify',
    operand: { name: 'URL', isRequired: true, describes: 'the issuer identifier, or with --jwks-uri the key set' },
    flags: [{ name: 'jwks-uri', describes: 'URL is that of the key set itself' }],
    examples: [
      ['portcullis keys https://id.example.com/realms/main', 'found by discovery'],
      ['portcullis keys --jwks-uri https://id.example.com/jwks --json', 'the set itself'],
    ],
    exits: { 0: 'at least one key can verify', 1: 'none can', 2: unknown },
    json: '`jwksUri`, `keys` (`kid`, `alg`, `keyType`, `keySizeBits`, `keyThumbprint`, `publicKeyPem` …, or `kid`, `refused`)',
  },
  {
    name: 'preflight',
    summary: 'checks the configuration, and tries a provider',
    operand: provider,
    flags: [
      {
        name: 'check-client',
        describes: 'send a token request that must fail, to see whether the server knows the client',
      },
    ],
    examples: [['portcullis preflight corporate --check-client', 'before a deployment']],
    exits: { 0: 'ready; there may be warnings', 1: 'a step failed', 2: unknown },
    json: 'the `PreflightReport` of `provider.preflight()`',
  },
  {
    name: 'login',
    summary: 'signs you in, in the browser, by a code, or by hand',
    operand: provider,
    flags: [
      {
        name: 'mode',
        value: 'MODE',
        choices: ['auto', 'loopback', 'device', 'manual'],
        describes: 'the way; default auto',
      },
      { name: 'device', describes: 'short for --mode device' },
      { name: 'manual', describes: 'short for --mode manual: paste the address that the browser was sent to' },
      { name: 'no-browser', describes: 'open no browser, show the address' },
      { name: 'port', value: 'N', describes: 'the port to listen on; default: of the configuration, or any' },
      { name: 'scope', value: 'SCOPES', describes: 'instead of those of the configuration, with spaces between them' },
      { name: 'force', describes: 'sign in anew, whoever is signed in' },
    ],
    examples: [
      ['portcullis login', 'the default provider, in the browser'],
      ['portcullis login corporate --device', 'on a machine without one'],
    ],
    exits: { 0: 'signed in', 1: 'refused, or not in time', 2: `interrupted, or ${unknown}` },
    json: '`provider`, `account` (`issuer`, `subject`), `key`, `scope`, `expiresAt`, `store`',
  },
  {
    name: 'logout',
    summary: 'signs you out, and has the server revoke the tokens',
    operand: provider,
    flags: [
      { name: 'revoke', describes: 'have the tokens revoked: the default' },
      { name: 'no-revoke', describes: 'forget the tokens here alone' },
      { name: 'all', describes: 'every account, of every provider where none is named' },
    ],
    examples: [['portcullis logout --all', 'leave nothing on this machine']],
    exits: { 0: 'signed out', 1: 'not signed in', 2: 'signed out here, not revoked; or could not be told' },
    json: 'a list of `provider`, `revocation` (`revoked`, `unsupported`, `failed`, `nothing`)',
  },
  {
    name: 'status',
    summary: 'shows whether you are signed in, and for how long',
    operand: provider,
    flags: [
      { name: 'utc', describes: 'times in UTC' },
      { name: 'soon', value: 'SECONDS', describes: 'when an access token expires soon, 60 to 3600; default 120' },
      { name: 'refresh-soon', value: 'SECONDS', describes: 'when a refresh token does, 60 to 172800; default 600' },
    ],
    examples: [['portcullis status corporate || portcullis login corporate', 'in a script']],
    exits: { 0: 'signed in', 1: 'not signed in, or expired', 2: unknown },
    json: '`provider`, `isUsable`, `account`, `scope`, `access`, `expiresAt`, `refresh`, `refreshExpiresAt`, `store`',
  },
  {
    name: 'token',
    summary: 'prints an access token that has not expired',
    operand: provider,
    flags: [
      { name: 'refresh', describes: 'renew it first' },
      { name: 'header', describes: 'as an Authorization field' },
      { name: 'decode', describes: 'header and claims instead, not verified' },
      { name: 'show-refresh', describes: 'the refresh token instead' },
      { name: 'copy', describes: 'to the clipboard instead of stdout' },
    ],
    examples: [['curl -H "$(portcullis token --header)" https://api.example.com/me', 'call an API']],
    exits: { 0: 'printed', 1: 'not signed in', 2: unknown },
    json: 'with `--decode` alone: `header`, `payload`',
  },
  {
    name: 'whoami',
    summary: 'shows who is signed in',
    operand: provider,
    flags: [{ name: 'raw', describes: 'every claim, those of the protocol as well' }],
    examples: [['portcullis whoami --json', 'for a script']],
    exits: { 0: 'signed in', 1: 'not signed in', 2: unknown },
    json: '`provider`, `account`, `claims`',
  },
  {
    name: 'providers',
    summary: 'lists the providers of the configuration',
    flags: [{ name: 'verbose', describes: 'type, issuer, client, mode and store; no secret' }],
    examples: [['portcullis providers --verbose', 'what is configured where']],
    exits: { 0: 'listed', 1: 'never', 2: 'there is no configuration, or it is wrong' },
    json: '`file`, `providers` (`name`, `isDefault`, `preset`, `type`, `issuer`, `clientId`, `mode`, `scopes`, `tokenStore`)',
  },
  ...resourceCommands,
  {
    name: 'completion',
    summary: 'writes what a shell needs to complete commands and flags',
    operand: { name: 'SHELL', isRequired: true, choices: shells, describes: 'the shell to write it for' },
    flags: [],
    examples: [
      ['portcullis completion bash >> ~/.bashrc', 'for bash'],
      ['portcullis completion zsh > ~/.zsh/completions/_portcullis', 'a folder that stands in $fpath before compinit'],
      ['portcullis completion fish > ~/.config/fish/completions/portcullis.fish', 'for fish'],
    ],
    exits: { 0: 'written', 1: 'never', 2: 'no such shell' },
    json: 'the same script',
  },
]

/** The command of that name. */
export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name)
}
