/** One `name=value`: the name in lower case, the value without quotes and escapes. */
export type Pair = readonly [name: string, value: string]

/** A blank, the name, the value as a quoted string or up to the next separator, and what ends the pair. */
const pairForm = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*|([^",;]*))([,;]|$)/y

/**
 * Reads elements separated by `,`, each of `name=value` pairs separated by `;` (RFC 7239 §4, Envoy's
 * `X-Forwarded-Client-Cert`). A quote may stand right behind `=` only, and its end only before a separator or the end of
 * the text, so that no value can close a quote that another one opened. `undefined` for any other text, empty elements
 * and empty pairs included. A name may come again: what that means is for the caller to say.
 */
export function readElements(text: string): readonly (readonly Pair[])[] | undefined {
  const elements: Pair[][] = [[]]
  pairForm.lastIndex = 0
  for (let more = true; more; ) {
    const match = pairForm.exec(text)
    if (match === null) return undefined
    const [, name = '', quoted, plain = '', end] = match
    elements.at(-1)?.push([name.toLowerCase(), quoted === undefined ? plain.trimEnd() : quoted.replace(/\\(.)/g, '$1')])
    if (end === ',') elements.push([])
    more = end !== ''
  }
  return elements
}
