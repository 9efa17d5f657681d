import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parsers } from '../fuzz/parsers.js'

const folder = join(import.meta.dirname, '../fuzz/corpus')

/** Seeds, and whatever `npm run fuzz` found: it writes each crash into this folder. */
describe('the corpus of the fuzzer', () => {
  it('has seeds for every parser', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(parsers))
  })

  it.each(Object.entries(parsers))('[ADP-08] is read or refused by the parser %s', async (name, feed) => {
    for (const file of readdirSync(join(folder, name))) {
      await expect(Promise.resolve(readFileSync(join(folder, name, file), 'utf8')).then(feed), file).resolves.toBe(
        undefined,
      )
    }
  })
})
