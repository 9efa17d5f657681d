/** `portcullis check`: why a token is good or not, on one screen. */

import { isPortcullisError } from '../errors/index.js'
import { diagnoseToken, type TokenDiagnosis } from '../explain/diagnose-token.js'
import type { ReportStep } from '../explain/report.js'
import { ownMember } from '../kit/json.js'
import { type CommandCall, CommandFailure, type ExitCode, plain, readStdin, table, wrap } from './command-io.js'
import type { StoredToken } from './stored-token.js'
import { namesLoopback, typedIssuer } from './typed-url.js'

/** The longest text that is read from stdin; the checker refuses more than half of it. */
const maxInputBytes = 131_072

/** The work of `portcullis check`. */
export async function checkCommand(call: CommandCall): Promise<ExitCode> {
  const { io, output, flags, timeoutMs } = call
  if (flags['access-token'] === true && flags['id-token'] === true) {
    throw new CommandFailure('--access-token and --id-token exclude each other')
  }
  const { token, ...kept } = await readToken(call)
  const { kind = 'access_token' } = kept
  const typed = flags['issuer'] as string | undefined
  const issuer = typed === undefined ? kept.issuer : typedIssuer(typed)
  const look = diagnoseToken(token, {
    kind: flags['id-token'] === true ? 'id_token' : kind,
    expectedIssuer: issuer,
    expectedAudience: (flags['audience'] as string | undefined) ?? kept.audience,
    network: flags['allow-discovery'] === true ? 'any' : 'trusted',
    allowInsecureLoopback: namesLoopback(issuer),
    timeoutMs,
    fetch: io.fetch,
    clock: io.clock,
  })
  const report = await output.during('asking the issuer', look)
  if (flags['json'] === true) output.json(report)
  else writeText(call, report)
  return report.ok ? 0 : report.conclusive ? 1 : 2
}

async function readToken(call: CommandCall): Promise<Partial<StoredToken> & { readonly token: string }> {
  const { io, output, operand, flags } = call
  const flag = flags['token'] as string | undefined
  if (operand !== undefined && flag !== undefined) throw new CommandFailure('give the token once')
  const argument = operand ?? flag
  if (argument === '-') return readPiped(call)
  if (argument !== undefined) {
    output.warn(
      'warning: other users of this machine can see a token among the arguments; pass it by stdin: portcullis check -',
    )
    return { token: clean(argument) }
  }
  const given = io.env['PORTCULLIS_TOKEN']
  if (given) return { token: clean(given) }
  const { readStoredToken } = await import('./stored-token.js')
  return readStoredToken(call).catch((error: unknown) => {
    throw isPortcullisError(error) && error.code === 'ERR_CONFIGURATION' ? nothingGiven(error) : error
  })
}

async function readPiped({ io, output }: CommandCall): Promise<{ readonly token: string }> {
  if (io.stdin.isTTY === true) output.say('paste the token, then press Enter and Ctrl-D:')
  const token = clean(await readStdin(io, maxInputBytes, 'there is more on stdin than any token has'))
  if (token === '') throw new CommandFailure('there is no token on stdin')
  return { token }
}

function nothingGiven({ message }: Error): CommandFailure {
  const ways = 'pass a token by stdin (portcullis check -) or PORTCULLIS_TOKEN, or sign in'
  return new CommandFailure(`there is no token: ${ways}. ${message}`)
}

/** As people copy it: with quotes around it, or the scheme of the header before it. */
function clean(text: string): string {
  return text
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .replace(/^(?:authorization:\s*)?(?:bearer|dpop)\s+/i, '')
}

const marks = { passed: 'ok', failed: 'FAIL', warned: 'warn', skipped: '-', not_checked: '-' } as const
const styles = { passed: 'green', failed: 'red', warned: 'yellow', skipped: 'dim', not_checked: 'dim' } as const

function writeText({ io, output, flags }: CommandCall, report: TokenDiagnosis): void {
  const width = Math.min(io.stdout.columns ?? 80, 100)
  const kind = report.kind === 'id_token' ? 'ID token' : 'access token'
  const verdict = report.ok ? 'good' : report.conclusive ? 'refused' : 'not decided'
  output.data(output.style('bold', `${kind}: ${verdict}`))
  for (const step of report.steps) {
    const { name, outcome } = step
    output.data(
      `  ${output.style(styles[outcome], marks[outcome].padEnd(4))}  ${name.padEnd(18)} ${remark(step)}`.trimEnd(),
    )
  }
  const { sentence } = report
  if (sentence !== undefined) output.data(`\n${wrap(sentence, width)}`)
  const failed = report.steps.find(({ outcome }) => outcome === 'failed')
  const rows = [
    ['expected', failed?.expected],
    ['received', failed?.received],
    ['rule', failed?.rule],
    ...claimRows(report, io.clock()),
  ] as const
  output.data(`\n${table(rows)}`)
  if (flags['verbose'] === true) writeDetails(output, report)
  for (const warning of report.warnings) output.say(wrap(`note: ${warning}`, width))
}

function remark({ outcome, received }: ReportStep): string {
  return outcome === 'passed' && received !== undefined ? plain(received) : ''
}

/** What tells a person which token this is. */
function claimRows({ payload = {} }: TokenDiagnosis, nowMs: number): readonly (readonly [string, unknown])[] {
  const exp = ownMember(payload, 'exp')
  return [
    ['issuer', ownMember(payload, 'iss')],
    ['audience', ownMember(payload, 'aud')],
    ['subject', ownMember(payload, 'sub')],
    ['client', ownMember(payload, 'client_id') ?? ownMember(payload, 'azp')],
    ['scope', ownMember(payload, 'scope') ?? ownMember(payload, 'scp')],
    ['expires', typeof exp === 'number' ? untilText(exp * 1000, nowMs) : undefined],
  ]
}

function untilText(atMs: number, nowMs: number): string {
  const text = Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toISOString() : 'never'
  return `${text} (${atMs <= nowMs ? 'over' : `in ${Math.round((atMs - nowMs) / 1000)} s`})`
}

function writeDetails(
  output: CommandCall['output'],
  { header, payload, key, discoveryUrl, jwksUri }: TokenDiagnosis,
): void {
  for (const [title, members] of [
    ['header', header],
    ['payload', payload],
  ] as const) {
    if (members !== undefined) output.data(`\n${title}\n${table(Object.entries(members))}`)
  }
  const rows = [
    ['metadata', discoveryUrl],
    ['key set', jwksUri],
    ['key', key && `${key.keyType} ${key.curve ?? ''} ${key.keySizeBits} bits`.replace('  ', ' ')],
    ['thumbprint', key?.keyThumbprint],
    ['SHA-256 of key', key?.keyFingerprint],
    ['certificate', key?.certificate?.subject],
  ] as const
  if (rows.some(([, value]) => value !== undefined)) output.data(`\n${table(rows)}`)
  if (key !== undefined) output.data(`\n${key.publicKeyPem.trimEnd()}`)
}
