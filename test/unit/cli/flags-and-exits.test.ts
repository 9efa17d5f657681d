import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ExitCode } from '../../../src/cli/command-io.js'
import { commands, commonFlags } from '../../../src/cli/commands.js'
import { resourceCommands } from '../../../src/cli/resource-commands.js'
import type { CommandWorld } from '../../support/run-command.js'
import { type UserMachine, userMachine } from '../../support/signed-in-command.js'

let machine: UserMachine
beforeEach(() => {
  machine = userMachine()
})
afterEach(() => machine.close())

const url = 'https://id.example.com'
const absent = 'https://absent.example.com'
const corporate = { issuer: url, clientId: 'my-app' }

/** One call: what it ends with, and what it says on either stream. */
interface Row {
  readonly line: string
  readonly exitCode: ExitCode
  readonly says: string | RegExp
  /** What has to be so before. */
  readonly given?: keyof typeof circumstances
}

/** What is done to the machine, and what the command is given. */
const circumstances = {
  signedIn: () => machine.signIn(),
  accessTokenOnStdin: async () => {
    await machine.signIn()
    return { stdin: [...machine.secrets].find((secret) => secret.split('.').length === 3) as string }
  },
  noKeys: () => answering('/jwks', () => Response.json({ keys: [] })),
  noKeySet: () => answering('/jwks', () => new Response('', { status: 500 })),
  knownClient: () => answering('/token', () => Response.json({ error: 'invalid_grant' }, { status: 400 })),
  refused: () => answering('/token', () => Response.json({ error: 'access_denied' }, { status: 400 })),
  notRevoked: async () => {
    await machine.signIn()
    answering('/revoke', () => new Response('', { status: 400 }))
  },
  absentIssuer: () =>
    machine.configure({ tokenStore: 'file', providers: { corporate: { ...corporate, issuer: absent } } }),
}

function answering(path: string, answer: () => Response): void {
  machine.answers[path] = answer
}

const rows: readonly Row[] = [
  { line: 'check --token a.b.c', exitCode: 1, says: 'other users of this machine can see a token' },
  { line: 'check --access-token', exitCode: 0, says: 'access token: good', given: 'signedIn' },
  { line: 'check --id-token', exitCode: 0, says: 'ID token: good', given: 'signedIn' },
  { line: `check --issuer ${absent}`, exitCode: 1, says: 'another issuer', given: 'signedIn' },
  { line: 'check --audience other', exitCode: 1, says: 'FAIL  validate_claims', given: 'signedIn' },
  { line: 'check -', exitCode: 2, says: '--allow-discovery', given: 'accessTokenOnStdin' },
  { line: 'check - --allow-discovery', exitCode: 0, says: 'access token: good', given: 'accessTokenOnStdin' },
  { line: 'check --verbose', exitCode: 0, says: 'BEGIN PUBLIC KEY', given: 'signedIn' },
  { line: 'check --json', exitCode: 0, says: '"ok": true', given: 'signedIn' },
  { line: `discover ${url}`, exitCode: 0, says: 'token_endpoint' },
  { line: `discover ${url} --json`, exitCode: 0, says: '"missing": [' },
  { line: `discover ${url}/other`, exitCode: 1, says: 'no metadata' },
  { line: 'discover nonsense', exitCode: 2, says: 'https URL' },
  { line: `keys ${url}`, exitCode: 0, says: 'EC P-256' },
  { line: `keys ${url} --json`, exitCode: 0, says: '"keyThumbprint"' },
  { line: `keys --jwks-uri ${url}/jwks`, exitCode: 0, says: 'EC P-256' },
  { line: `keys ${url}`, exitCode: 1, says: /^$/, given: 'noKeys' },
  { line: `keys ${url}`, exitCode: 2, says: 'no key set', given: 'noKeySet' },
  { line: 'preflight', exitCode: 0, says: 'corporate: ready' },
  { line: 'preflight --check-client', exitCode: 0, says: 'corporate: ready', given: 'knownClient' },
  { line: 'preflight --json', exitCode: 0, says: '"ok": true' },
  { line: 'preflight', exitCode: 1, says: 'FAIL  discovery', given: 'absentIssuer' },
  { line: 'preflight other', exitCode: 2, says: 'there is no provider other; known: corporate' },
  { line: 'login --no-browser', exitCode: 0, says: 'signed in as user-1' },
  { line: 'login --mode device', exitCode: 0, says: 'enter the code WDJB-MJHT' },
  { line: 'login --device --json', exitCode: 0, says: '"subject": "user-1"' },
  { line: 'login --manual', exitCode: 2, says: 'takes `redirectUri` and `prompt`' },
  { line: 'login --no-browser --port 0', exitCode: 0, says: 'signed in as user-1' },
  { line: 'login --port 70000', exitCode: 2, says: '--port takes' },
  { line: 'login --no-browser --scope phone', exitCode: 2, says: 'must include `openid`' },
  { line: 'login --no-browser', exitCode: 0, says: 'signed in with corporate already', given: 'signedIn' },
  { line: 'login --no-browser --force', exitCode: 0, says: 'open this address', given: 'signedIn' },
  { line: 'login --device', exitCode: 1, says: 'ERR_LOGIN_DENIED', given: 'refused' },
  { line: 'logout --revoke', exitCode: 0, says: '(tokens revoked)', given: 'signedIn' },
  { line: 'logout --no-revoke', exitCode: 0, says: '(tokens not revoked)', given: 'signedIn' },
  { line: 'logout --all --json', exitCode: 0, says: '"revocation": "revoked"', given: 'signedIn' },
  { line: 'logout', exitCode: 1, says: 'not signed in' },
  { line: 'logout', exitCode: 2, says: 'the server did not revoke', given: 'notRevoked' },
  { line: 'status --utc', exitCode: 0, says: 'Z, in 300 s', given: 'signedIn' },
  { line: 'status --soon 400', exitCode: 0, says: 'expiring soon', given: 'signedIn' },
  { line: 'status --refresh-soon 4000', exitCode: 0, says: 'expiring soon', given: 'signedIn' },
  { line: 'status --json', exitCode: 0, says: '"access": "good"', given: 'signedIn' },
  { line: 'status', exitCode: 1, says: 'not signed in' },
  { line: 'status --soon 5', exitCode: 2, says: '--soon takes' },
  { line: 'token', exitCode: 0, says: /^ey[\w.-]+\n$/, given: 'signedIn' },
  { line: 'token --refresh', exitCode: 0, says: /^ey[\w.-]+\n$/, given: 'signedIn' },
  { line: 'token --header', exitCode: 0, says: 'Authorization: Bearer ey', given: 'signedIn' },
  { line: 'token --decode', exitCode: 0, says: '"payload"', given: 'signedIn' },
  { line: 'token --decode --json', exitCode: 0, says: '"payload"', given: 'signedIn' },
  { line: 'token --show-refresh', exitCode: 0, says: /^canary-/, given: 'signedIn' },
  { line: 'token --copy', exitCode: 2, says: 'no program here that copies', given: 'signedIn' },
  { line: 'token', exitCode: 1, says: 'portcullis login corporate' },
  { line: 'whoami', exitCode: 0, says: 'ann@example.com', given: 'signedIn' },
  { line: 'whoami --raw', exitCode: 0, says: 'nonce', given: 'signedIn' },
  { line: 'whoami --json', exitCode: 0, says: '"claims"', given: 'signedIn' },
  { line: 'whoami', exitCode: 1, says: 'not signed in' },
  { line: 'whoami other', exitCode: 2, says: 'there is no provider other' },
  { line: 'providers', exitCode: 0, says: 'corporate' },
  { line: 'providers --verbose', exitCode: 0, says: 'my-app' },
  { line: 'providers --json', exitCode: 0, says: '"tokenStore": "file"' },
  { line: 'providers --config absent.json', exitCode: 2, says: 'cannot be read' },
  { line: 'providers --quiet', exitCode: 0, says: /^corporate\n$/ },
  { line: 'providers --timeout 61', exitCode: 2, says: '--timeout takes' },
  { line: 'providers --help', exitCode: 0, says: 'Usage: portcullis providers' },
  { line: 'completion bash', exitCode: 0, says: '_portcullis()' },
  { line: 'completion bash --json', exitCode: 0, says: '_portcullis()' },
  { line: 'completion tcsh', exitCode: 2, says: 'completion takes one of bash, zsh, fish' },
]

const verbOf = ({ line }: Row) => line.split(' ')[0]
const flagsOf = ({ line }: Row) => line.match(/(?<= --)[a-z-]+/g) ?? []

describe('[A14] the table of flags and exit codes', () => {
  it.each(rows)(
    '[A14] [S1-70] [S1-71] portcullis $line ends with $exitCode ($given)',
    async ({ line, exitCode, says, given }) => {
      const world = (given === undefined ? undefined : await circumstances[given]()) as CommandWorld | undefined
      const [verb = '', ...args] = line.split(' ')
      const stdin = world?.stdin ?? []
      const env = { XDG_STATE_HOME: machine.home, PATH: '/nowhere' }
      const result = await (verb === 'login' && args.includes('--no-browser')
        ? machine.signIn(args.filter((arg) => arg !== '--no-browser'))
        : machine.run([verb, ...args], { stdin, env }))
      expect(
        result.stdout + (says instanceof RegExp && result.stdout !== '' && verb !== 'login' ? '' : result.stderr),
      ).toMatch(says)
      expect(result.exitCode).toBe(exitCode)
    },
  )

  // Those for protected resources have a table of their own, in resource-commands.test.ts.
  const others = commands.filter(({ name }) => !resourceCommands.some((command) => command.name === name))

  it.each(others)('[A14] has every flag and every exit code of $name', ({ name, flags, exits }) => {
    const own = rows.filter((row) => verbOf(row) === name)
    const shown = new Set(own.flatMap(flagsOf))
    const wanted = [...flags.map((flag) => flag.name), 'json']
    expect(wanted.filter((flag) => !shown.has(flag))).toEqual([])
    const codes = Object.entries(exits).filter(([, meaning]) => meaning !== 'never')
    expect([...new Set(own.map(({ exitCode }) => String(exitCode)))].sort()).toEqual(codes.map(([code]) => code))
  })

  it('[A14] has every flag that all commands take', () => {
    const shown = new Set(rows.flatMap(flagsOf))
    expect(commonFlags.filter(({ name }) => !shown.has(name))).toEqual([])
  })
})
