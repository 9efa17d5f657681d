/*
 * The package as its users get it: built, through its own `exports`. Typed by its sources, which are there before the
 * build is.
 */
import { pathToFileURL } from 'node:url'

const entry = (name: string) => import(name)

export const { createResourceServer, nodeRequestFacts, createGrants, withGrants, InvalidTokenError } = (await entry(
  'portcullis',
)) as typeof import('../src/index.js')

export const { createTestIssuer, createDpopClient, requestFacts, signCompact } = (await entry(
  'portcullis/testing',
)) as typeof import('../src/testing/index.js')

/** A module of the built package that has no entry of its own, for figures of one part alone. */
export async function internal<Module>(path: string): Promise<Module> {
  const index = import.meta.resolve('portcullis')
  return (await entry(new URL(path, index.startsWith('file:') ? index : pathToFileURL(index)).href)) as Module
}

/** A package of bench/package.json. The caller says which part of its types it uses. */
export async function peer<Module>(name: string): Promise<Module> {
  return (await entry(name)) as Module
}
