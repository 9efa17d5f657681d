import type { WireAnswer } from './observed-contract.js'

/** One thing that is changed in an answer. */
export interface Spoiler {
  readonly name: string
  change(answer: WireAnswer): WireAnswer
}

const looked = [
  ...['Cache-Control', 'Content-Type', 'Access-Control-Allow-Origin', 'Access-Control-Allow-Methods'],
  ...['Access-Control-Expose-Headers', 'Vary', 'Allow', 'Retry-After', 'DPoP-Nonce'],
]

function has({ headers }: WireAnswer, field: string): boolean {
  return headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === field.toLowerCase())
}

/** Sets a field that is there to something else. */
function replaced(answer: WireAnswer, field: string): WireAnswer {
  const isIt = (index: number) => answer.headers[index - 1]?.toLowerCase() === field.toLowerCase()
  const headers = answer.headers.map((text, index) => (index % 2 === 1 && isIt(index) ? `${text}x` : text))
  return { ...answer, headers }
}

function added(answer: WireAnswer, fields: readonly string[]): WireAnswer {
  return { ...answer, headers: [...answer.headers, ...fields.flatMap((name) => [name, 'x'])] }
}

/** Without the length that its body had before. */
function withBody(answer: WireAnswer, body: string): WireAnswer {
  const isLength = (index: number) => answer.headers[index - (index % 2)]?.toLowerCase() === 'content-length'
  return { ...answer, headers: answer.headers.filter((_, index) => !isLength(index)), body: Buffer.from(body) }
}

const anotherBody = '{"another":"a secret of evil with a stolen-plan"}'

/** What every case has to notice, whatever it is about. */
export const spoilers: readonly Spoiler[] = [
  { name: 'status', change: (one) => ({ ...one, status: one.status === 404 ? 200 : 404 }) },
  {
    name: 'WWW-Authenticate',
    change: (one) =>
      has(one, 'WWW-Authenticate') ? replaced(one, 'WWW-Authenticate') : added(one, ['WWW-Authenticate']),
  },
]

/** What else can be wrong with this answer, one thing at a time. */
export function furtherSpoilers(answer: WireAnswer): readonly Spoiler[] {
  const there = looked.filter((field) => has(answer, field))
  const absent = looked.filter((field) => !has(answer, field))
  return [
    { name: 'body', change: (one) => withBody(one, anotherBody) },
    ...there.map((field) => ({ name: field, change: (one: WireAnswer) => replaced(one, field) })),
    { name: 'further fields', change: (one) => added(one, absent) },
  ]
}

/** All of them at once. */
export function together(all: readonly Spoiler[]): Spoiler {
  return { name: 'any', change: (answer) => all.reduce((one, { change }) => change(one), answer) }
}
