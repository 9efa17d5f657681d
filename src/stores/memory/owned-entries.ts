import { createExpiryQueue } from './expiry-queue.js'
import { createShares, type Share } from './shares.js'

/** An entry that has an owner, and runs out. */
export interface OwnedEntry {
  readonly share: Share
  expiresAtMs: number
}

/** The entries of a bounded store of which no owner may fill it for the others. */
export interface OwnedEntries<Entry extends OwnedEntry> {
  /** Also one that ran out, and was not forgotten yet. */
  get(key: string): Entry | undefined
  /** A place for `owner`; `undefined` where there is none. */
  take(owner: string | undefined): Share | undefined
  /** Adds an entry whose place was taken. */
  add(key: string, entry: Entry): void
  /** Forgets a few that ran out; never looks through the others. */
  forgetSome(nowMs: number): void
}

const forgottenPerCall = 8

/** Makes {@link OwnedEntries}, `maxEntries` of them at most. An entry whose time was lengthened is kept until its end. */
export function createOwnedEntries<Entry extends OwnedEntry>(maxEntries: number): OwnedEntries<Entry> {
  const entries = new Map<string, Entry>()
  const shares = createShares(maxEntries)
  const queue = createExpiryQueue()

  function forget(key: string, nowMs: number): void {
    const { expiresAtMs, share } = entries.get(key) as Entry
    if (expiresAtMs > nowMs) {
      queue.add(key, expiresAtMs)
      return
    }
    entries.delete(key)
    shares.giveBack(share)
  }

  return {
    get: (key) => entries.get(key),
    take: (owner) => shares.take(owner, entries.size),
    add(key, entry) {
      queue.add(key, entry.expiresAtMs)
      entries.set(key, entry)
    },
    forgetSome: (nowMs) => queue.drain(nowMs, forgottenPerCall, (old) => forget(old, nowMs)),
  }
}
