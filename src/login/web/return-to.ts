/*
 * Where a browser goes after a login: a path of the application, and nowhere else. Does not know whether the path exists.
 */

const maxLength = 2048
/** What browsers take for `/`, drop, or cut a header field at. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const unsafe = /[\\\u0000-\u001f\u007f]/

/**
 * The path, query and fragment of `wanted`, as browsers read them; `undefined` for anything that is not, or not beyond
 * doubt, a path of `base`: no `/` in front, a backslash, a control character, `//` in the path, each also percent-encoded
 * once, and more than 2,048 characters.
 */
export function checkReturnTo(wanted: string | null | undefined, base: URL): string | undefined {
  if (!wanted?.startsWith('/') || wanted.length > maxLength || unsafe.test(wanted)) return undefined
  const [path = ''] = wanted.split(/[?#]/, 1)
  if (hasDoubt(path) || hasDoubt(decoded(path))) return undefined
  const { pathname, search, hash } = new URL(wanted, base.origin)
  return pathname + search + hash
}

function hasDoubt(path: string | undefined): boolean {
  return path === undefined || path.includes('//') || unsafe.test(path)
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
