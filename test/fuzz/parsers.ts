/**
 * The parsers of what strangers send, each as a function that takes any text and throws where the parser does anything but
 * read or refuse. `npm run fuzz` feeds them; test/property/fuzz-corpus.test.ts feeds them what was found so far.
 */
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { parse as parseYaml } from 'yaml'
import { readChallenges, readStepUp } from '../../src/client/challenges.js'
import { ClientCallError } from '../../src/client/errors.js'
import { parseTokenSet, serializeTokenSet } from '../../src/client/token-set-text.js'
import {
  ConfigurationError,
  InvalidProofError,
  InvalidTokenError,
  isAuthError,
  TokenStoreError,
} from '../../src/errors/index.js'
import { readCookies } from '../../src/http/cookies.js'
import { readElements } from '../../src/http/trusted-proxies.js'
import { readMetadata, usableMetadata } from '../../src/issuer/discovery.js'
import { readKeys } from '../../src/issuer/key-table.js'
import { readJoseHeader } from '../../src/issuer/verify-signature.js'
import { readCompactJws } from '../../src/jws/compact-jws.js'
import { FetchFailure } from '../../src/kit/fetch/fetch-failure.js'
import { parseJsonObject } from '../../src/kit/json.js'
import { type AuthConfigInput, readAuthConfig } from '../../src/login/auth-config.js'
import { createClientCertificateReader } from '../../src/resource-server/binding/client-certificate.js'
import { createProofKeys, readProof, readProofClaims } from '../../src/resource-server/binding/dpop-proof.js'
import { compileScope, isScope } from '../../src/resource-server/policy/scope-expression.js'
import { readScopes } from '../../src/resource-server/token/claim-paths.js'
import { toClaimProfileSettings } from '../../src/resource-server/token/claim-profile.js'
import { readIntrospectedToken, readPlainAnswer } from '../../src/resource-server/token/introspection-answer.js'
import { readCredentials } from '../../src/resource-server/token/read-credentials.js'
import { createSealer } from '../../src/stores/sealer.js'
import { readEnvelope, writeEnvelope } from '../../src/stores/token-entry.js'
import { requestFacts } from '../support/request-facts.js'

/** Reads `text` with one parser. Throws, or rejects, where the parser broke its word. */
type Feed = (text: string) => void | Promise<void>

/** What `read` gives; `undefined` where it refuses by an error of `kind`. Any other error is passed on. */
function unlessRefused<T>(kind: (error: unknown) => boolean, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (kind(error)) return undefined
    throw error
  }
}

const a =
  (...kinds: readonly (new (...args: never[]) => unknown)[]) =>
  (error: unknown) =>
    kinds.some((kind) => error instanceof kind)

const fieldName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const secret = new Uint8Array(32).fill(7)
const sealer = createSealer([{ id: 'k1', secret }])
const proofKeys = createProofKeys(['ES256', 'PS256', 'EdDSA'])
const claimRules = {
  profile: toClaimProfileSettings({ roles: 'a.b', tenant: 'tid', clientId: ['azp', 'client_id'] }),
  optionalClaims: new Set(['jti', 'iat', 'client_id', 'exp', 'sub', 'aud']),
  clockToleranceMs: 0,
  maxTokenAgeMs: undefined,
}
const certificateReaders = (['rfc9440', 'xfcc', 'nginx', 'aws'] as const).map((certificateFrom) => ({
  names: {
    rfc9440: 'client-cert',
    xfcc: 'x-forwarded-client-cert',
    nginx: 'x-ssl-client-cert',
    aws: 'x-amzn-mtls-clientcert',
  },
  certificateFrom,
  read: createClientCertificateReader({ certificateFrom, isTrustedProxy: () => true }),
}))

function jwt(text: string): void {
  const jws = readCompactJws(text)
  if (jws === undefined) return
  // Exactly one text stands for what was read, and another library reads the same.
  equal(`${jws.signingInput}.${Buffer.from(jws.signature).toString('base64url')}`, text)
  for (const segment of text.split('.')) equal(Buffer.from(segment, 'base64url').toString('base64url'), segment)
  deepEqual({ ...jws.payload }, { ...decodeJwt(text) })
  const header = unlessRefused(a(InvalidTokenError), () => readJoseHeader(jws.headerSegment))
  if (header !== undefined) equal(header.alg, decodeProtectedHeader(text).alg)
}

function keys(text: string): void {
  const entries = parseJsonObject(text)?.['keys']
  if (!Array.isArray(entries)) return
  const { keys: found, skipped } = readKeys(entries, [])
  ok(found.length + skipped.length <= entries.length)
  for (const { identity } of found) equal(/"(?:d|p|q|dp|dq|qi|oth|k)":/.test(identity), false)
}

function challenge(text: string): void {
  const challenges = readChallenges(text)
  for (const { scheme, parameters, token68 } of challenges) {
    match(scheme, fieldName)
    for (const name of parameters.keys()) match(name, fieldName)
    equal(token68 !== undefined && parameters.size > 0, false)
  }
  const stepUp = readStepUp(challenges)
  if (stepUp?.maxAgeSeconds !== undefined) ok(Number.isSafeInteger(stepUp.maxAgeSeconds))
}

function scope(text: string): void {
  ok(Object.isFrozen(readScopes(text)))
  const rule = unlessRefused(a(ConfigurationError), () => compileScope(text, new Map()))
  if (rule === undefined) return
  const granted = readScopes(text) ?? []
  ok(granted.every(isScope))
  ok(rule.isSatisfiedBy(granted))
  deepEqual(rule.lackingFrom(granted), [])
  equal(rule.isSatisfiedBy([]), false)
}

function credentials(text: string): void {
  const facts = requestFacts({ headers: { authorization: text } })
  const { token, scheme } = readCredentials(facts, { bearerMethods: ['header'] }, true)
  if (token !== undefined) match(text, new RegExp(`^${scheme}[ ]+`, 'i'))
}

async function proof(text: string): Promise<void> {
  const jws = unlessRefused(a(InvalidProofError), () => readProof(requestFacts({ headers: { dpop: text } })))
  if (jws === undefined) return
  const claims = unlessRefused(a(InvalidProofError), () => readProofClaims(jws.payload))
  if (claims !== undefined) ok(claims.jti.length > 0 && Number.isFinite(claims.iat))
  try {
    match((await proofKeys.find(jws.headerSegment)).jkt, /^[\w-]{43}$/)
  } catch (error) {
    ok(error instanceof InvalidProofError, String(error))
  }
}

function metadata(text: string): void {
  const document = parseJsonObject(text)
  if (document === undefined) return
  const read = unlessRefused(a(FetchFailure), () => usableMetadata(readMetadata(document, 'https://as.example'), false))
  for (const [name, value] of Object.entries(read ?? {})) {
    if (/(?:_endpoint|^jwks_uri)$/.test(name)) equal(new URL(value as string).protocol, 'https:')
  }
}

function introspection(text: string): void {
  const answer = unlessRefused(isAuthError, () =>
    readPlainAnswer({ mediaType: 'application/json', text } as Parameters<typeof readPlainAnswer>[0]),
  )
  if (answer === undefined) return
  const entry = unlessRefused(isAuthError, () => readIntrospectedToken('https://as.example', answer, claimRules, 0))
  if (entry === undefined) return
  equal(answer['active'], true)
  equal(answer['iss'] ?? 'https://as.example', 'https://as.example')
  ok(entry.validUntilMs > 0)
}

function certificate(text: string): void {
  readElements(text)
  for (const { read, certificateFrom, names } of certificateReaders) {
    const reading = read(requestFacts({ headers: { [names[certificateFrom]]: text } }))
    if (reading.certificate !== undefined) equal(reading.certificate[0], 0x30)
    if (reading.thumbprint !== undefined) match(reading.thumbprint, /^[\w-]{43}$/)
    equal(reading.detail === undefined, reading.certificate !== undefined || reading.thumbprint !== undefined)
  }
}

async function cookies(text: string): Promise<void> {
  const [first, ...others] = text.split('\n')
  for (const [name, value] of readCookies(requestFacts({ headers: { cookie: [first as string, ...others] } }))) {
    doesNotMatch(name, /^[ \t]|[ \t]$/)
    equal(/[;=]/.test(name) || value.includes(';'), false)
    equal(await sealer.open(value, name), undefined)
  }
}

function entry(text: string): void {
  const envelope = unlessRefused(a(TokenStoreError), () => readEnvelope(text))
  if (envelope !== undefined) deepEqual(readEnvelope(writeEnvelope(envelope), envelope.key), envelope)
  const tokens = unlessRefused(a(ClientCallError), () => parseTokenSet(text))
  if (tokens !== undefined)
    equal(serializeTokenSet(parseTokenSet(serializeTokenSet(tokens))), serializeTokenSet(tokens))
}

async function configuration(text: string): Promise<void> {
  const input = parseJsonObject(text) ?? yamlOf(text)
  const config = unlessRefused(a(ConfigurationError), () => readAuthConfig(input as AuthConfigInput))
  for (const name of config?.providerNames() ?? []) {
    match(name, /^[a-z0-9][a-z0-9_-]{0,63}$/)
    await config?.createProvider(name).catch((error: unknown) => ok(error instanceof ConfigurationError, String(error)))
  }
}

/** As `loadAuthConfig` parses it. */
function yamlOf(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 0, prettyErrors: false, logLevel: 'silent' })
  } catch {
    return undefined
  }
}

/** Every parser by its name. */
export const parsers: Readonly<Record<string, Feed>> = {
  certificate,
  challenge,
  configuration,
  cookies,
  credentials,
  entry,
  introspection,
  jwt,
  keys,
  metadata,
  proof,
  scope,
}
