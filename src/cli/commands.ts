/** Every command, flag and exit code: one table for parsing, help, completion and docs/command.md. */
import type { CommandWork, ExitCode } from './command-io.js'

/** One flag of a command. */
export interface Flag {
  readonly name: string
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string
  /** The values it takes, where they are few. */
  readonly choices?: readonly string[]
  readonly describes: string
}

/** One command. */
export interface Command {
  readonly name: string
  readonly summary: string
  readonly operand?: { readonly name: string; readonly isRequired: boolean; readonly describes: string }
  readonly flags: readonly Flag[]
  readonly examples: readonly (readonly [line: string, what: string])[]
  readonly exits: Readonly<Record<ExitCode, string>>
  /** What `--json` writes, for docs/command.md. */
  readonly json: string
  /** Loads what does the work: `check` must not wait for what `login` needs. */
  readonly load: () => Promise<CommandWork>
}

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

/** The commands, in the order of the help. */
export const commands: readonly Command[] = [
  {
    name: 'check',
    summary: 'says why a token is good or not',
    operand: {
      name: 'TOKEN',
      isRequired: false,
      describes: 'the token, or - for stdin; default: PORTCULLIS_TOKEN',
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
    load: async () => (await import('./check-command.js')).checkCommand,
  },
  {
    name: 'discover',
    summary: 'shows what an authorization server publishes of itself',
    operand: { name: 'URL', isRequired: true, describes: 'the issuer identifier' },
    flags: [],
    examples: [['portcullis discover https://id.example.com/realms/main', 'and which addresses were asked']],
    exits: { 0: 'metadata found', 1: 'the server publishes none, or that of another issuer', 2: unknown },
    json: '`issuer`, `url`, `attempts` (`url`, `status`, `failure`), `metadata`, `failure`, `missing`',
    load: async () => (await import('./discover-command.js')).discoverCommand,
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
    load: async () => (await import('./keys-command.js')).keysCommand,
  },
]

/** The command of that name. */
export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name)
}
