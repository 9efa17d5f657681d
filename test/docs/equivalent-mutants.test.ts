import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

interface Named {
  readonly file: string
  readonly line: string
  readonly code: string
  readonly replacement: string
  readonly reason: string
}

const root = join(import.meta.dirname, '../..')
const named: readonly Named[] = JSON.parse(readFileSync(join(root, '.ci/equivalent-mutants.json'), 'utf8'))

describe('the edits that are named equivalent', () => {
  it('are of lines that still stand in their files', () => {
    const isGone = ({ file, line, code }: Named) => {
      if (!existsSync(join(root, file))) return true
      const text = readFileSync(join(root, file), 'utf8')
      return !text.includes(code) || !text.split('\n').some((one) => one.trim() === line)
    }
    expect(named.filter(isGone)).toEqual([])
  })

  it('are named once, with a reason', () => {
    const keys = named.map(({ file, line, code, replacement }) => JSON.stringify([file, line, code, replacement]))
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([])
    expect(named.filter(({ reason }) => reason.length < 10)).toEqual([])
  })
})
