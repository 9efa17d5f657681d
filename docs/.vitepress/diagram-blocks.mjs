/** The Mermaid blocks of pages: what their pictures are called, and what they say. */
import { createHash } from 'node:crypto'

/** The name of the files of a block: it changes with the block. */
export function diagramName(source) {
  return createHash('sha256').update(source.trim()).digest('hex').slice(0, 12)
}

/** The words of a block, for who cannot see the picture. */
export function wordsOf(source) {
  const lines = source.trim().split('\n').slice(1)
  return lines.map((line) => line.trim().replace(/\s*-{1,2}[>x)]{1,2}\s*/, ' to ')).join('; ')
}

/** The Mermaid blocks of a page. */
export function diagramsOf(markdown) {
  return [...markdown.matchAll(/^```mermaid\n([\s\S]*?)^```/gm)].map(([, source]) => source)
}
