import { AccessContext } from '../../src/index.js'

/** What `reflect-metadata` adds, where it is loaded. */
interface MetadataReader {
  getMetadata?(key: string, target: object, name: string | symbol): readonly unknown[] | undefined
}

/**
 * The parameters of a method that are given the access its grants brought, by their types. Read at the first call: legacy
 * decorators below this one write the metadata later than it runs, or above it.
 */
export function injectedParameters(prototype: object | undefined, name: string | symbol): () => readonly number[] {
  let known: readonly number[] | undefined
  return () => {
    known ??= typesOf(prototype, name).flatMap((type, index) => (type === AccessContext ? index : []))
    return known
  }
}

function typesOf(prototype: object | undefined, name: string | symbol): readonly unknown[] {
  if (prototype === undefined) return []
  return (Reflect as MetadataReader).getMetadata?.('design:paramtypes', prototype, name) ?? []
}
