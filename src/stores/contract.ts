/**
 * Remembers which DPoP proofs were seen. One atomic call: of any number of concurrent reservations of a key, in any
 * number of processes that share the store, exactly one answers true.
 *
 * @group Stores
 */
export interface ReplayStore {
  /**
   * Reserves `key` for `ttlMs` milliseconds. False when it is taken. Rejects when the store cannot tell: the request is
   * then answered 503.
   *
   * @param owner - who causes the reservation, where one is known: for a DPoP proof the thumbprint of its key. A store
   * with a bound of its own must not let one owner use it up; others may ignore it.
   */
  reserve(key: string, ttlMs: number, owner?: string): boolean | Promise<boolean>
}

/**
 * Remembers what was revoked, each entry until the last token it concerns has expired anyway.
 *
 * @group Stores
 */
export interface RevocationStore {
  /**
   * Marks `key` as revoked for `ttlMs` milliseconds. `atMs` is the time of revocation. One atomic call: where `key` is
   * revoked already, the later of both times counts and the longer lifetime, whichever process writes last.
   *
   * @param widerKey - a key whose mark covers the same tokens and more: for a session that of its user. A store that has
   * no room left for more of its kind may mark that one instead; others may ignore it.
   */
  revoke(key: string, atMs: number, ttlMs: number, widerKey?: string): void | Promise<void>
  /** The times of revocation of those keys that are revoked, in the order of `keys`; `undefined` for the others. */
  revokedAt(keys: readonly string[]): readonly (number | undefined)[] | Promise<readonly (number | undefined)[]>
}

/** An exchanged token as a store keeps it. */
export interface StoredGrant {
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP' | 'N_A'
  /** In seconds since the Unix epoch. */
  readonly expiresAt: number
  readonly scope: readonly string[]
  readonly issuedTokenType: string
}

/**
 * Keeps exchanged tokens. The key is a digest over everything the token depends on; a store must hand back only what
 * was put under exactly that key.
 *
 * @group Stores
 */
export interface GrantStore {
  /** What was put under `key`, unless its time is up. Where the store fails, the token is exchanged anew. */
  get(key: string): StoredGrant | undefined | Promise<StoredGrant | undefined>
  /** Keeps `grant` under `key` for `ttlMs` milliseconds. */
  set(key: string, grant: StoredGrant, ttlMs: number): void | Promise<void>
  /** Forgets what is kept under `key`. */
  delete(key: string): void | Promise<void>
}

/**
 * Lets one of several processes at a time do a piece of work, for as long as it takes.
 *
 * @group Stores
 */
export interface LockStore {
  /** A lease on `key` for `ttlMs` milliseconds; `undefined` while somebody else has one. Rejects when it cannot tell. */
  acquire(key: string, ttlMs: number): Promise<Lease | undefined>
}

/**
 * The hold of one process on a key. It ends by itself when its time is over: a process that died blocks the others for a short time only.
 *
 * @group Stores
 */
export interface Lease {
  /**
   * Makes the lease last `ttlMs` milliseconds from now on. False when it is lost: its time was over, or somebody else
   * holds the key. Rejects when the store cannot tell.
   */
  extend(ttlMs: number): Promise<boolean>
  /** Gives the key back. Never takes it from another holder. */
  release(): Promise<void>
}

/** The tokens of one user with one provider, as a token store keeps them. @group Token stores */
export interface StoredTokens {
  readonly v: 1
  /** Names this very content: at most 128 characters, fresh and random for every change. */
  readonly version: string
  /** The serialized token set. A store does not look into it. Whoever holds the entry can read it: never log it. */
  readonly tokens: string
  /** Whose tokens these are: issuer and subject, never a name or an e-mail address. */
  readonly account?: { readonly issuer: string; readonly subject: string } | undefined
  /** In seconds since the Unix epoch. */
  readonly savedAt: number
}

/** How long an entry is kept. @group Token stores */
export interface TokenLifetime {
  /** In milliseconds from now on: the life of the refresh token. Left out: until it is deleted, or the store's own bound. */
  readonly ttlMs?: number | undefined
}

/** Where a token store keeps its entries, and who can read them there. @group Token stores */
export interface TokenStoreDescription {
  readonly kind: 'memory' | 'file' | 'encrypted' | 'keyring' | 'sops' | 'redis'
  /** `plaintext`: whoever reads the place reads the tokens. `os`: the operating system decides who may. */
  readonly atRest: 'plaintext' | 'encrypted' | 'os'
  /** For people: a folder, a service, a key prefix. Never a secret. */
  readonly location: string
  /** Whether entries outlive the process. */
  readonly persistent: boolean
  /**
   * How long one call may take before the store gives it up by itself, what it waits for its own lock included. In
   * milliseconds, 0 to 3,600,000. Whoever puts a limit of their own around the store waits longer than that. Left out: the
   * store has no limit, or one under 20 s.
   */
  readonly timeoutMs?: number | undefined
}

/**
 * Keeps the tokens of users. Keys have 1 to 512 characters, entries at most 64 KiB. What is kept under one key is never
 * handed back under another. Every function rejects with a {@link TokenStoreError}, and with nothing else.
 *
 * @group Token stores
 */
export interface TokenStore {
  /** `undefined` when nothing is kept. Rejects for an entry that is damaged, cannot be opened, or belongs elsewhere. */
  get(key: string): Promise<StoredTokens | undefined>
  /** Keeps `entry`, whatever was kept before, a damaged entry included. */
  set(key: string, entry: StoredTokens, lifetime?: TokenLifetime): Promise<void>
  /**
   * Compare-and-swap, atomic across everything that shares the store. Where the kept entry has `expectedVersion`, or
   * nothing is kept and `expectedVersion` is `undefined`, keeps `next` (deletes for `undefined`) and answers true.
   * Otherwise changes nothing and answers false. Rejects for an entry whose version cannot be read.
   */
  replace(
    key: string,
    expectedVersion: string | undefined,
    next: StoredTokens | undefined,
    lifetime?: TokenLifetime,
  ): Promise<boolean>
  /** Forgets what is kept, a damaged entry included. False when there was nothing. */
  delete(key: string): Promise<boolean>
  /** Whether `get` would find or refuse something. */
  has(key: string): Promise<boolean>
  /** The keys that begin with `prefix`, in no order. Entries that come or go meanwhile may show or not. */
  keys(prefix?: string): AsyncIterable<string>
  /** What the store is and where: for a program that tells its user before the login. */
  describe(): TokenStoreDescription
}

/**
 * Keeps the sessions of browsers, as text. Keys are digests of session ids, so that a store never learns an id. Every
 * function concerns one key. What a store loses signs somebody out, and does nothing worse. A function that rejects is
 * answered 503: no user is signed out, and none is let in. What is there at once may be given without a promise.
 *
 * @group Sessions
 */
export interface SessionStore {
  /** `undefined` when nothing is kept, or its time is over. */
  get(key: string): string | undefined | Promise<string | undefined>
  /** Keeps `session` for `ttlMs` milliseconds, whatever was kept before. */
  set(key: string, session: string, ttlMs: number): void | Promise<void>
  /**
   * Keeps `session` for `ttlMs` milliseconds in the place of what is kept. Where nothing is kept it changes nothing and
   * answers false, in one atomic step: a request under way must not undo a logout.
   */
  touch(key: string, session: string, ttlMs: number): boolean | Promise<boolean>
  /** Forgets what is kept. False when there was nothing: of several calls, exactly one answers true. */
  delete(key: string): boolean | Promise<boolean>
}
