import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Base64url } from '#crypto'
import type { TextBackend } from '../locked-token-store.js'
import { unlessDamaged } from '../token-entry.js'
import { openFolder, readPrivateFile, removePrivateFile, writePrivateFile } from './private-files.js'

/** How a text looks in its file, and back. */
export interface FileCoding {
  encode(text: string, fileName: string): Promise<string>
  decode(content: string, fileName: string): Promise<string>
}

/** Keeps one private file per key, named by the hash of the key: no two keys share a name, and none shows its key. */
export function createEntryFiles(directory: string, suffix: string, { encode, decode }: FileCoding): TextBackend {
  async function fileOf(key: string): Promise<string> {
    await openFolder(directory)
    return (await sha256Base64url(key)) + suffix
  }

  async function textIn(fileName: string): Promise<string | undefined> {
    const content = await readPrivateFile(join(directory, fileName))
    return content === undefined ? undefined : decode(content, fileName)
  }

  return {
    read: async (key) => textIn(await fileOf(key)),
    async write(key, text, confirm) {
      const fileName = await fileOf(key)
      await writePrivateFile(join(directory, fileName), await encode(text, fileName), confirm)
    },
    remove: async (key) => removePrivateFile(join(directory, await fileOf(key))),
    async *texts() {
      await openFolder(directory)
      for (const fileName of await readdir(directory)) {
        const text = fileName.endsWith(suffix) ? await unlessDamaged(textIn(fileName)) : undefined
        if (text !== undefined) yield text
      }
    },
  }
}
