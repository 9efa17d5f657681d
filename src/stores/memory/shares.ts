/** What one owner holds of a bounded store. */
export interface Share {
  readonly owner: string | undefined
  held: number
}

/** Who holds how much of a bounded store. */
export interface Shares {
  /**
   * A place for `owner` in a store that holds `used` entries; `undefined` where the store is full, or where the owner
   * holds as many places as are left free. Without an owner only the store's own bound counts.
   */
  take(owner: string | undefined, used: number): Share | undefined
  /** Gives one place back. */
  giveBack(share: Share): void
}

/**
 * Divides a store of `maxEntries` by one rule: no owner may hold more than is left free. One owner alone gets half of it,
 * and with n owners that take all they can, each of them and whoever comes next has a room of 1/(n + 1). A newcomer is
 * refused only once there are about as many owners as entries.
 */
export function createShares(maxEntries: number): Shares {
  const shares = new Map<string, Share>()
  const unowned: Share = { owner: undefined, held: 0 }

  function shareOf(owner: string): Share {
    const share = shares.get(owner) ?? { owner, held: 0 }
    shares.set(owner, share)
    return share
  }

  return {
    take(owner, used) {
      const free = maxEntries - used
      if (free <= 0) return undefined
      const share = owner === undefined ? unowned : shareOf(owner)
      if (share !== unowned && share.held >= free) return undefined
      share.held += 1
      return share
    },
    giveBack(share) {
      share.held -= 1
      if (share.held === 0 && share.owner !== undefined) shares.delete(share.owner)
    },
  }
}
