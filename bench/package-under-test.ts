/*
 * The package as its users get it: built, through its own `exports`. Typed by its sources, which are there before the
 * build is.
 */
const entry = (name: string) => import(name)

export const { createMemoryLockStore, createResourceServer, createGrants, withGrants, InvalidTokenError } =
  (await entry('portcullis')) as typeof import('../src/index.js')

export const { nodeRequestFacts } = (await entry('portcullis/adapter')) as typeof import('../src/adapter.js')

export const { createTestIssuer, createDpopClient, requestFacts, signCompact } = (await entry(
  'portcullis/testing',
)) as typeof import('../src/testing/index.js')

/** A package of bench/package.json. The caller says which part of its types it uses. */
export async function peer<Module>(name: string): Promise<Module> {
  return (await entry(name)) as Module
}
