type Fields = Readonly<Record<string, string | readonly string[]>>

const noFields: Fields = Object.freeze({})
/** Guards of one request judge it one by one; what tells its parts together in a log is the same for all of them. */
const idsByRequest = new WeakMap<object, string>()

/** What belongs to one request and to no other, from its first guard to its last check. Shared by all copies of its auth. */
export class Passage {
  /** Fields that belong into its answer whatever becomes of it from here: the next nonce (RFC 9449 §8.2). */
  headers: Fields = noFields
  /** SHA-256 of its token, once that is known. */
  tokenHash: string | undefined = undefined
  readonly #request: object | undefined
  #correlationId: string | undefined = undefined

  /** @param request - see `RequestFacts.request`. */
  constructor(request?: object) {
    this.#request = request
  }

  /** Made when somebody asks for it: most requests pass without. */
  get correlationId(): string {
    this.#correlationId ??= this.#request === undefined ? crypto.randomUUID() : idOf(this.#request)
    return this.#correlationId
  }
}

function idOf(request: object): string {
  const known = idsByRequest.get(request) ?? crypto.randomUUID()
  idsByRequest.set(request, known)
  return known
}
