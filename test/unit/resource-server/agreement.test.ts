import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { excluded } from '../../support/agreement.js'

const attacks = join(import.meta.dirname, '../../attacks')

it('[REAL-40] explain and the guards are compared in every test of the attacks but for those that exist and say why', () => {
  const text = readdirSync(attacks)
    .map((file) => readFileSync(join(attacks, file), 'utf8'))
    .join('\n')
  for (const [title, reason] of excluded) {
    expect(text).toContain(title)
    expect(reason).toMatch(/^.{20,}$/)
  }
  expect(excluded.size).toBe(6)
})
