/*
 * Transactions in cookies of their own, one per attempt, so that tabs do not disturb each other. Does not judge an answer.
 */
import { sha256Base64url } from '#crypto'
import { readCookies, setCookie } from '../../http/cookies.js'
import type { RequestFacts } from '../../http/request-facts.js'
import type { SealKey } from '../../stores/sealer.js'
import { type LoginTransaction, openTransaction, sealTransaction } from '../transaction.js'

/** The transactions of browsers. */
export interface TransactionCookies {
  /** Keeps a transaction, and lets go of the oldest where there would be more than three. */
  keep(facts: RequestFacts, transaction: LoginTransaction, about: KeepAbout): Promise<readonly string[]>
  /** The transaction that `state` names, and the field that takes its cookie away. */
  take(facts: RequestFacts, state: string): Promise<TakenTransaction | undefined>
  /** Takes all of them away. */
  clear(facts: RequestFacts): readonly string[]
}

/** How a transaction is kept. */
export interface KeepAbout {
  readonly sameSite: 'Lax' | 'None'
  /** What `note` of the sessions gave for the session of this browser. */
  readonly previous?: string | undefined
}

/** A transaction that was brought back. */
export interface TakenTransaction {
  readonly transaction: LoginTransaction | undefined
  /** As it was kept. */
  readonly previous: string | undefined
  readonly cookies: readonly string[]
}

const maxTransactions = 3
/** Browsers drop a longer one without a word, attributes included. */
const maxCookieLength = 4096
/** All of them together, so that a request with a session stays below the 8 KiB that servers take. */
const maxTogether = 6144

/** What a transaction goes without where its cookie would be too long: rather the page than the session before. */
const shorter = [{}, { returnTo: undefined }, { returnTo: undefined, previous: undefined }]

/** A transaction as its cookie has it. */
interface NotedTransaction extends LoginTransaction {
  readonly previous?: string | undefined
}

/** See {@link TransactionCookies}. */
export function createTransactionCookies(
  keys: readonly SealKey[],
  secure: boolean,
  clock: () => number,
): TransactionCookies {
  const prefix = secure ? '__Host-pc_txn_' : 'pc_txn_'
  const nameOf = async (state: string) => prefix + (await sha256Base64url(state)).slice(0, 16)
  const end = (name: string) => setCookie(name, '', { secure, sameSite: 'Lax', maxAgeSeconds: 0 })
  const namesIn = (facts: RequestFacts) => [...readCookies(facts).keys()].filter((name) => name.startsWith(prefix))

  /** Those that make room for one more: what does not open or is over, then the oldest. */
  async function inTheWay(facts: RequestFacts, length: number): Promise<readonly string[]> {
    const cookies = readCookies(facts)
    const all = namesIn(facts).map(async (name) => {
      const sealed = cookies.get(name) as string
      const transaction = await openTransaction(sealed, keys, name)
      const isLive = transaction !== undefined && transaction.expiresAt * 1000 > clock()
      return { name, length: name.length + sealed.length, createdAt: isLive ? transaction.createdAt : 0 }
    })
    // Of one second, browsers name the oldest first (RFC 6265bis §5.8.3).
    const newestFirst = (await Promise.all(all)).reverse().sort((left, right) => right.createdAt - left.createdAt)
    let together = length
    return newestFirst
      .filter((cookie, index) => {
        together += cookie.length
        return cookie.createdAt === 0 || index >= maxTransactions - 1 || together > maxTogether
      })
      .map(({ name }) => name)
  }

  async function write(name: string, transaction: LoginTransaction, sameSite: 'Lax' | 'None'): Promise<string> {
    const maxAgeSeconds = transaction.expiresAt - Math.floor(clock() / 1000)
    return setCookie(name, await sealTransaction(transaction, keys, name), { secure, sameSite, maxAgeSeconds })
  }

  return {
    async keep(facts, transaction, { sameSite, previous }) {
      const { state, nonce, codeVerifier } = transaction
      const name = await nameOf(state)
      let cookie = ''
      for (const without of shorter) {
        const members = { ...transaction, state, nonce, codeVerifier, previous, ...without }
        cookie = await write(name, members, sameSite)
        if (cookie.length <= maxCookieLength) break
      }
      return [...(await inTheWay(facts, cookie.length)).map(end), cookie]
    },
    async take(facts, state) {
      const name = await nameOf(state)
      const sealed = readCookies(facts).get(name)
      if (sealed === undefined) return undefined
      const transaction: NotedTransaction | undefined = await openTransaction(sealed, keys, name)
      return { transaction, previous: transaction?.previous, cookies: [end(name)] }
    },
    clear: (facts) => namesIn(facts).map(end),
  }
}
