/** One challenge as an independent reader of RFC 9110 §11.6.1 sees it. */
export interface ParsedChallenge {
  readonly scheme: string
  /** In the order written. Throws on a name that comes twice, so a map loses nothing. */
  readonly parameters: ReadonlyMap<string, string>
}

const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const parameter = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)="((?:[\t \x21\x23-\x5B\x5D-\x7E]|\\[\t \x21-\x7E])*)"/y

/**
 * Reads one field value that must hold exactly one challenge with quoted parameters. Strict, and written without a look
 * at the writer: anything it does not expect is an error.
 */
export function parseChallenge(value: string): ParsedChallenge {
  let position = 0
  const read = (pattern: RegExp): RegExpExecArray => {
    pattern.lastIndex = position
    const match = pattern.exec(value)
    if (match === null) throw new Error(`unexpected text at ${position} of ${JSON.stringify(value)}`)
    position = pattern.lastIndex
    return match
  }
  const [scheme] = read(token)
  read(/ /y)
  const parameters = new Map<string, string>()
  for (;;) {
    const [, name = '', text = ''] = read(parameter)
    if (parameters.has(name)) throw new Error(`${name} comes twice in ${JSON.stringify(value)}`)
    parameters.set(name, text.replace(/\\(.)/gs, '$1'))
    if (position === value.length) return { scheme, parameters }
    read(/, /y)
  }
}
