/** `portcullis discover`: the metadata of an authorization server, and where it was found. */
import { failureSentence, lookUpMetadata, type MetadataLook } from '../explain/issuer-documents.js'
import type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
import { toSurroundings } from '../kit/surroundings.js'
import { type CommandCall, type ExitCode, plain, table } from './command-io.js'
import { namesLoopback, typedIssuer } from './typed-url.js'

/** The work of `portcullis discover`. */
export async function discoverCommand({ io, output, operand, flags, timeoutMs }: CommandCall): Promise<ExitCode> {
  const issuer = typedIssuer(operand as string)
  const surroundings = toSurroundings({ fetch: io.fetch, allowInsecureLoopback: namesLoopback(issuer) })
  const look = await output.during(
    'asking the server',
    lookUpMetadata(issuer, { surroundings, timeoutMs, isTrusted: true }),
  )
  if (flags['json'] === true) output.json({ issuer, ...look, missing: missingMembers(look.metadata) })
  else writeText(output, look)
  if (look.failure !== undefined) output.warn(`no metadata: ${failureSentence(look.failure)}`)
  return exitCode(look)
}

/** Nothing there, or that of another issuer, is an answer; a server that fails is none. */
function exitCode({ failure, url }: MetadataLook): ExitCode {
  if (failure === undefined) return 0
  return failure === 'issuer_mismatch' || url === undefined ? 1 : 2
}

const wanted = ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'response_types_supported'] as const

function missingMembers(metadata: AuthorizationServerMetadata | undefined): readonly string[] {
  return metadata === undefined ? [] : wanted.filter((name) => metadata[name] === undefined)
}

function writeText(output: CommandCall['output'], { attempts, metadata }: MetadataLook): void {
  for (const { url, status, failure } of attempts) {
    output.say(`${failure === undefined ? 'found' : 'asked'}  ${plain(url)}  ${status ?? failure}`)
  }
  if (metadata === undefined) return
  output.data(table(Object.entries(metadata)))
  const missing = missingMembers(metadata)
  if (missing.length > 0) output.warn(`missing: ${missing.join(', ')}`)
  const methods = metadata.code_challenge_methods_supported
  if (!Array.isArray(methods) || !methods.includes('S256')) output.warn('PKCE with S256 is not advertised (RFC 7636)')
}
