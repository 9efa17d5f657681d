/** `portcullis keys`: the key set of an authorization server, each key with what it can do or why it cannot. */
import { failureSentence, lookUpKeySet, lookUpMetadata } from '../explain/issuer-documents.js'
import { describeKey, type KeyDescription } from '../explain/signing-key.js'
import { readPublicJwk } from '../jws/jwk.js'
import { type Surroundings, toSurroundings } from '../kit/surroundings.js'
import { type CommandCall, CommandFailure, type ExitCode, plain } from './command-io.js'
import { namesLoopback, typedIssuer, typedUrl } from './typed-url.js'

interface KeySetPlace {
  readonly jwksUri: string
  readonly trustedHostnames: readonly string[]
}

type KeyRow = KeyDescription | { readonly kid: string | undefined; readonly refused: string }

/** The work of `portcullis keys`. */
export async function keysCommand(call: CommandCall): Promise<ExitCode> {
  const { output, flags } = call
  const found = await output.during('asking the server', readKeySet(call))
  if (flags['json'] === true) output.json(found)
  else for (const row of found.keys) output.data(line(row))
  return found.keys.some((row) => !('refused' in row)) ? 0 : 1
}

async function readKeySet(call: CommandCall): Promise<{ readonly jwksUri: string; readonly keys: readonly KeyRow[] }> {
  const { io, operand, timeoutMs } = call
  const surroundings = toSurroundings({ fetch: io.fetch, allowInsecureLoopback: namesLoopback(operand) })
  const { jwksUri, trustedHostnames } = await findKeySet(call, surroundings)
  const look = await lookUpKeySet(jwksUri, trustedHostnames, { surroundings, timeoutMs })
  if ('failure' in look) throw new CommandFailure(`no key set: ${failureSentence(look.failure)}`)
  return { jwksUri, keys: await Promise.all(look.entries.map(describe)) }
}

async function findKeySet(
  { operand, flags, timeoutMs }: CommandCall,
  surroundings: Surroundings,
): Promise<KeySetPlace> {
  const url = operand as string
  if (flags['jwks-uri'] === true) return { jwksUri: url, trustedHostnames: [typedUrl(url).hostname] }
  const issuer = typedIssuer(url)
  const { metadata, failure } = await lookUpMetadata(issuer, { surroundings, timeoutMs, isTrusted: true })
  const jwksUri = metadata?.jwks_uri
  if (jwksUri === undefined) {
    throw new CommandFailure(
      `no key set: ${failureSentence(failure ?? 'jwks_uri_missing')}; or give the key set itself with --jwks-uri`,
    )
  }
  return { jwksUri, trustedHostnames: [new URL(issuer).hostname] }
}

async function describe(entry: unknown): Promise<KeyRow> {
  const jwk = readPublicJwk(entry)
  const kid: unknown = Object(entry)['kid']
  const name = typeof kid === 'string' ? kid : undefined
  if ('reason' in jwk) return { kid: name, refused: jwk.reason }
  return (await describeKey(entry, jwk)) ?? { kid: name, refused: 'the point does not lie on its curve' }
}

function line(row: KeyRow): string {
  const name = plain(row.kid ?? '(no kid)')
  if ('refused' in row) return `${name}  not usable: ${row.refused}`
  const size = row.curve ?? `${row.keySizeBits} bits`
  return `${name}  ${row.keyType} ${size}  ${row.alg ?? '(any alg)'}  ${row.keyThumbprint}`
}
