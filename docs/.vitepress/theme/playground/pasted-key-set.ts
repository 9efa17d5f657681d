/** A key set as somebody pastes it: private keys are taken out before anything is shown or judged. */
import { isJsonObject, type JsonObject, parseJsonObject } from '../../../../src/kit/json.js'

/** A pasted key set, fit to be shown. */
export interface PastedKeySet {
  readonly text: string
  /** What the visitor has to know; `undefined` where all is well. */
  readonly warning: string | undefined
}

const maxCharacters = 512 * 1024
const secretMembers: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const secretInText = /-----BEGIN [A-Z ]*PRIVATE KEY-----|"(?:d|p|q|dp|dq|qi|k)"\s*:\s*"/

/** Reads what was pasted. Never throws, and never gives a private member back. */
export function readPastedKeySet(pasted: string): PastedKeySet {
  if (pasted.trim() === '') return { text: pasted, warning: 'Paste what the issuer has at its jwks_uri.' }
  if (pasted.length > maxCharacters) {
    return { text: '', warning: 'The text has more than 512 KiB. A server would not read it, and it was removed.' }
  }
  const set = parseJsonObject(pasted)
  const keys = set?.['keys']
  if (!Array.isArray(keys)) return notASet(pasted, set)
  if (!keys.some(holdsSecret) && !secretInText.test(pasted)) return { text: pasted, warning: undefined }
  const text = written({ keys: keys.map(publicPart) })
  return { text: secretInText.test(text) ? '' : text, warning: secretWarning }
}

const secretWarning =
  'What you pasted held a private or symmetric key. It was removed from this page, which sends and stores nothing. Whoever else may have seen it can write tokens: replace the key.'

function notASet(pasted: string, set: JsonObject | undefined): PastedKeySet {
  if (secretInText.test(pasted)) return { text: '', warning: secretWarning }
  const warning =
    set === undefined
      ? 'This is not JSON. A key set is {"keys": […]}.'
      : 'This is no key set: it has no list `keys`. One key goes into {"keys": […]}.'
  return { text: pasted, warning }
}

function holdsSecret(key: unknown): boolean {
  return isJsonObject(key) && secretMembers.some((name) => Object.hasOwn(key, name))
}

/** A symmetric key has no public part. */
function publicPart(key: unknown): unknown {
  if (!isJsonObject(key) || !holdsSecret(key)) return key
  if (key['kty'] === 'oct') return { kty: 'oct' }
  return Object.fromEntries(Object.entries(key).filter(([name]) => !secretMembers.includes(name)))
}

/** Nothing where the JSON nests too deep to be written. */
function written(set: JsonObject): string {
  try {
    return JSON.stringify(set, null, 2)
  } catch {
    return ''
  }
}
