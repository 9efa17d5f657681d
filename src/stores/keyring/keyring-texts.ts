import { sha256Base64url } from '#crypto'
import { TokenStoreError } from '../../errors/index.js'
import { parseJsonObject } from '../../kit/json.js'
import { damaged, unlessDamaged } from '../token-entry.js'
import type { Keyring } from './keyring.js'

/** Of ASCII characters: Windows holds 1,280 UTF-16 units. */
const chunkLength = 1200
const maxChunks = 400
const maxRereads = 5

/** The chunks of one written text. */
interface Generation {
  readonly generation: number
  readonly count: number
}

/** The entry that says which chunks make the text. Written last: until then the text before is the kept one. */
interface Index extends Generation {
  readonly v: 1
  readonly length: number
  readonly sha256: string
  /** Set while the text is being removed: nothing is kept any more. */
  readonly removed?: true
  /** What this generation replaced, in case its removal did not come to its end. */
  readonly replaced?: Generation
}

/** Texts of any length in a keyring that holds only short ones. One writer per name at a time. */
export interface KeyringTexts {
  read(name: string): Promise<string | undefined>
  write(name: string, text: string, confirm: () => Promise<void>): Promise<void>
  remove(name: string): Promise<boolean>
}

/**
 * Keeps a text in chunks of 1,200 characters and one index entry, written last. A crash leaves the text before or the new
 * one, and chunks that belong to none of them, which the next write of that name removes.
 */
export function createKeyringTexts(keyring: Keyring): KeyringTexts {
  const chunkName = (name: string, generation: number, n: number) => `${name}.${generation}.${n}`

  async function readIndex(name: string): Promise<Index | undefined> {
    const text = await keyring.get(name)
    if (text === undefined) return undefined
    const index = parseJsonObject(text)
    if (isIndex(index)) return index
    throw damaged('The index of an entry is damaged.')
  }

  async function readChunks(name: string, { generation, count, length, sha256 }: Index): Promise<string | undefined> {
    const chunks: string[] = []
    for (let n = 0; n < count; n++) {
      const chunk = await keyring.get(chunkName(name, generation, n))
      if (chunk === undefined) return undefined
      chunks.push(chunk)
    }
    const text = chunks.join('')
    return text.length === length && (await sha256Base64url(text)) === sha256 ? text : undefined
  }

  /** From the last one on, so that a crash leaves the first ones, which the index still counts. */
  async function removeChunks(name: string, { generation, count }: Generation): Promise<void> {
    for (let n = count - 1; n >= 0; n--) await keyring.delete(chunkName(name, generation, n))
  }

  /** Chunks of a write that never came to its index: they follow each other without a gap. */
  async function removeFrom(name: string, generation: number, first: number): Promise<void> {
    let n = first
    while (await keyring.delete(chunkName(name, generation, n))) n += 1
  }

  return {
    async read(name) {
      let index = await readIndex(name)
      for (let round = 0; index !== undefined && !index.removed && round < maxRereads; round++) {
        const text = await readChunks(name, index)
        if (text !== undefined) return text
        const next: Index | undefined = await readIndex(name)
        if (next?.sha256 === index.sha256 && next.generation === index.generation && !next.removed) {
          throw damaged('Parts of an entry are missing.')
        }
        index = next
      }
      return undefined
    },
    async write(name, text, confirm) {
      const before = await unlessDamaged(readIndex(name))
      const generation = (before?.generation ?? 0) + 1
      const ascii = toAscii(text)
      const count = Math.ceil(ascii.length / chunkLength)
      if (count > maxChunks) throw tooLong()
      for (let n = 0; n < count; n++) {
        await keyring.set(chunkName(name, generation, n), ascii.slice(n * chunkLength, (n + 1) * chunkLength))
      }
      await removeFrom(name, generation, count)
      const replaced = before && { generation: before.generation, count: before.count }
      await confirm()
      const sha256 = await sha256Base64url(ascii)
      const index: Index = { v: 1, generation, count, length: ascii.length, sha256, ...(replaced && { replaced }) }
      await keyring.set(name, JSON.stringify(index))
      if (before?.replaced !== undefined) await removeChunks(name, before.replaced)
      if (replaced !== undefined) await removeChunks(name, replaced)
    },
    async remove(name) {
      const index = await unlessDamaged(readIndex(name), 'damaged' as const)
      if (index === undefined) return false
      if (index !== 'damaged') {
        await keyring.set(name, JSON.stringify({ ...index, removed: true }))
        if (index.replaced !== undefined) await removeChunks(name, index.replaced)
        await removeChunks(name, index)
        await removeFrom(name, index.generation + 1, 0)
      }
      await keyring.delete(name)
      return index === 'damaged' || !index.removed
    },
  }
}

function tooLong(): TokenStoreError {
  const detail = `A text in the keyring has at most ${maxChunks} parts of ${chunkLength} characters.`
  return new TokenStoreError('ERR_TOKEN_STORE_CONFIGURATION', detail)
}

function isIndex(value: unknown): value is Index {
  const { v, generation, count, length, sha256, replaced } = Object(value) as Partial<Index>
  const isShort = isCount(count) && isCount(length) && (replaced === undefined || isCount(replaced.count))
  return v === 1 && Number.isSafeInteger(generation) && isShort && typeof sha256 === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxChunks * chunkLength
}

/** JSON text stays the same JSON when the rest of its characters are written as escapes. */
function toAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
