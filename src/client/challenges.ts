/*
 * Reads what a resource server answers with: its challenges, and what a step-up challenge asks for. Does not act on
 * them, and does not trust any value.
 */

/** One challenge of a `WWW-Authenticate` field (RFC 9110 §11.6.1). @group Challenges */
export interface Challenge {
  /** In lower case, since schemes compare case-insensitively: `bearer`, `dpop`. */
  readonly scheme: string
  /** Values without quotes and escapes, by name in lower case. Whatever the server wrote: check it before use. */
  readonly parameters: ReadonlyMap<string, string>
  /** What some schemes have instead of parameters, such as `Negotiate`. */
  readonly token68: string | undefined
}

/** Where challenges are read from: the fields of an answer, or the values of its `WWW-Authenticate` fields. */
export type ChallengeFields = Pick<Headers, 'get'> | string | readonly string[] | null | undefined

const longestFields = 16_384
const separators = /[ \t,]*/y
const word = /[!#$%&'*+\-.^_`|~\w]+/y
const equals = /[ \t]*=[ \t]*/y
const spaces = / +/y
const token68 = /[\w\-.~+/]+=*(?=[ \t]*(?:,|$))/y
const quotedString = /"(?:[\t !#-[\]-~\x80-\uFFFF]|\\[\t -~\x80-\uFFFF])*"/y
const endOfItem = /[ \t]*(?=,|$)/y
/** Up to the next comma outside of quotes; a quote that stays open takes all the rest. */
const restOfItem = /(?:[^",]|"(?:[^"\\]|\\.)*(?:"|\\?$))*/sy

/**
 * Reads the challenges of an answer, in their order. Several fields and one comma list mean the same; empty elements are
 * skipped; unknown schemes and parameters are kept. A challenge that is malformed, or names a parameter twice, is
 * left out by itself; more than 16,384 characters are read as none. Never throws, and takes time linear in the input.
 *
 * Does not tell whether a scheme or value makes sense, nor whom the server is.
 *
 * @group Challenges
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1 | RFC 9110 §11.6.1}
 */
export function readChallenges(fields: ChallengeFields): readonly Challenge[] {
  const text = fieldValue(fields)
  return text.length > longestFields ? [] : parse(text)
}

function fieldValue(fields: ChallengeFields): string {
  if (typeof fields === 'string') return fields
  if (Array.isArray(fields)) return fields.join(', ')
  return (fields as Pick<Headers, 'get'> | null | undefined)?.get('WWW-Authenticate') ?? ''
}

interface OpenChallenge {
  readonly scheme: string
  readonly parameters: Map<string, string>
  token68: string | undefined
}

function parse(text: string): readonly Challenge[] {
  const found: OpenChallenge[] = []
  const broken = new Set<OpenChallenge | undefined>()
  let position = 0

  function read(pattern: RegExp): string | undefined {
    pattern.lastIndex = position
    const match = pattern.exec(text)?.[0]
    if (match !== undefined) position = pattern.lastIndex
    return match
  }

  /** One element of the comma list: what opens a challenge, or a further parameter. False when malformed. */
  function readItem(): boolean {
    const name = read(word)
    if (name === undefined) return false
    if (read(equals) !== undefined) return readValue(name)
    const opened: OpenChallenge = { scheme: name.toLowerCase(), parameters: new Map(), token68: undefined }
    found.push(opened)
    if (read(spaces) === undefined) return true
    opened.token68 = read(token68)
    if (opened.token68 !== undefined) return true
    const parameter = read(word)
    if (parameter === undefined) return true
    return read(equals) !== undefined && readValue(parameter)
  }

  function readValue(name: string): boolean {
    const value = read(word) ?? unquote(read(quotedString))
    const challenge = found.at(-1)
    const key = name.toLowerCase()
    const isAllowed = challenge !== undefined && challenge.token68 === undefined && !challenge.parameters.has(key)
    if (value === undefined || !isAllowed) return false
    challenge.parameters.set(key, value)
    return true
  }

  for (;;) {
    read(separators)
    if (position === text.length) break
    if (readItem() && read(endOfItem) !== undefined) continue
    broken.add(found.at(-1))
    read(restOfItem)
  }
  return found.filter((challenge) => !broken.has(challenge))
}

function unquote(quoted: string | undefined): string | undefined {
  return quoted?.slice(1, -1).replace(/\\(.)/g, '$1')
}

/** What a resource server wants of the next authorization request (RFC 9470 §4). @group Challenges */
export interface StepUp {
  /** For `acr_values`, in order of preference; empty when it does not matter how the user signs in. */
  readonly acrValues: readonly string[]
  /** For `max_age`; `undefined` when it does not matter when the user signed in. */
  readonly maxAgeSeconds: number | undefined
  /** Scopes that are missing as well. Ask for them besides those the client has. */
  readonly scope: readonly string[]
}

const wholeSeconds = /^\d{1,10}$/

/**
 * Reads what a step-up challenge asks for: of the first challenge with `insufficient_user_authentication`, whatever its
 * scheme; `undefined` when there is none. A `max_age` that is not a whole number of seconds is left out.
 *
 * Start a new authorization request with it, keep the old token for other routes, and try again once: a second challenge
 * means that this user cannot satisfy it. Does not check that the authorization server knows the `acrValues`.
 *
 * @group Challenges
 * @see {@link https://www.rfc-editor.org/rfc/rfc9470#section-3 | RFC 9470 §3}
 */
export function readStepUp(challenges: readonly Challenge[]): StepUp | undefined {
  const asking = challenges.find(({ parameters }) => parameters.get('error') === 'insufficient_user_authentication')
  if (asking === undefined) return undefined
  return stepUpFrom((name) => asking.parameters.get(name))
}

/** The members of a step-up, out of whatever carries parameters of those names. */
export function stepUpFrom(read: (name: 'acr_values' | 'max_age' | 'scope') => string | undefined): StepUp {
  const maxAge = read('max_age') ?? ''
  return {
    acrValues: words(read('acr_values')),
    maxAgeSeconds: wholeSeconds.test(maxAge) ? Number(maxAge) : undefined,
    scope: words(read('scope')),
  }
}

function words(value = ''): readonly string[] {
  return value.split(' ').filter((word) => word !== '')
}
