const maxLength = 256
const jwt = /eyJ[\w-]{5,}(\.[\w-]*){0,4}/g
const longRun = /[A-Za-z0-9_~+/=-]{40,}/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
const control = /[\u0000-\u001f\u007f-\u009f]+/g

/** Form fields whose values are no secrets. Every other value of a request is masked wherever it is echoed. */
const publicFields: ReadonlySet<string> = new Set([
  'actor_token_type',
  'audience',
  'client_assertion_type',
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'grant_type',
  'redirect_uri',
  'requested_token_type',
  'resource',
  'response_type',
  'scope',
  'subject_token_type',
  'token_type_hint',
])

/** Masks secrets in text that comes from elsewhere, and cuts it to 256 characters. */
export type Redact = (text: string) => string

/** The values a request must not find again in any error: credentials, tokens, proofs. */
export function secretsOf(headers: Readonly<Record<string, string>>, body: string): readonly string[] {
  const fromHeaders = Object.entries(headers).flatMap(([name, value]) => headerSecrets(name.toLowerCase(), value))
  const fromForm = [...new URLSearchParams(body)].filter(([name]) => !publicFields.has(name)).map(([, value]) => value)
  return [...fromHeaders, ...fromForm].filter((value) => value.length >= 4)
}

function headerSecrets(name: string, value: string): readonly string[] {
  if (name === 'dpop') return [value]
  if (name !== 'authorization') return []
  const [scheme = '', credentials = ''] = value.split(' ')
  return scheme.toLowerCase() === 'basic' ? [credentials, ...basicSecrets(credentials)] : [credentials]
}

function basicSecrets(credentials: string): readonly string[] {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(credentials) || credentials.length % 4 !== 0) return []
  const encoded = atob(credentials).split(':')[1] ?? ''
  return [encoded, ...new URLSearchParams(`secret=${encoded}`).values()]
}

/** Builds the {@link Redact} of one request. Beside `secrets` it masks whatever looks like a JWT or a long key. */
export function createRedact(secrets: readonly string[]): Redact {
  const longestFirst = [...secrets].sort((left, right) => right.length - left.length)
  return (text) => {
    let masked = text
    for (const secret of longestFirst) masked = masked.replaceAll(secret, '[redacted]')
    masked = masked.replace(jwt, '[redacted]').replace(longRun, '[redacted]').replace(control, ' ')
    return masked.slice(0, maxLength)
  }
}

/** An error that tells what happened at the bottom of `error`, without anything it may have carried along. */
export function redactedCause(error: unknown, redact: Redact): Error {
  const deepest = deepestCause(error)
  if (!(deepest instanceof Error)) return new Error('A value that is no error was thrown')
  const cause = new Error(redact(`${deepest.name}: ${deepest.message}`))
  cause.stack = ''
  const { code } = deepest as { code?: unknown }
  return typeof code === 'string' ? Object.assign(cause, { code: redact(code) }) : cause
}

function deepestCause(error: unknown): unknown {
  let deepest = error
  for (let depth = 0; depth < 8 && deepest instanceof Error && deepest.cause instanceof Error; depth += 1) {
    deepest = deepest.cause
  }
  return deepest
}
