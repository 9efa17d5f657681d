type Cockatiel = typeof import('cockatiel')

let loaded: Cockatiel | undefined

/**
 * Loads cockatiel with the first call of a client, and no more after it: each `import()` takes Node longer than all the
 * rest of a call. Keeps what was loaded and not the promise: one that another request of a Worker waits for may never settle.
 */
export async function loadCockatiel(): Promise<Cockatiel> {
  loaded ??= await import('cockatiel')
  return loaded
}
