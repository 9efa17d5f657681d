import type { IssuerOptions } from 'portcullis'
import * as presets from 'portcullis/providers'
import { describe, expect, it } from 'vitest'
import { providers } from '../providers/world.js'
import { pages, read } from './markdown.js'

const page = read('docs/providers/presets.md')
const all = pages().filter((one) => one.startsWith('docs/providers/'))

const credential = { authenticate: () => ({}), toJSON: () => 'yours' }
const githubOptions = presets.github({ clientId: 'Iv1.8a61f9b3a7aba766', credential })

function row(name: string, options: IssuerOptions): string {
  const set = Object.entries(options).filter(([, value]) => value !== undefined)
  return `| \`${name}\` | ${set.map(([option, value]) => `${option}: \`${shown(value)}\``).join('<br>')} |`
}

/** As JSON, with a space where people write one. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1).replaceAll(/\s+/g, ' ')
}

describe('the pages of providers', () => {
  it('shows exactly what each preset sets', () => {
    const rows = [...providers, { name: 'github', options: githubOptions }].map(({ name, options }) =>
      row(name, options),
    )
    const table = ['| preset | what it sets |', '|---|---|', ...rows].join('\n')
    expect(page.split('<!-- presets -->\n')[1]?.split('\n<!-- /presets -->')[0]).toBe(table)
  })

  it('shows every preset at work', () => {
    const text = all.map(read).join('')
    const missing = Object.keys(presets).filter((name) => !new RegExp(`import \\{[^}]*\\b${name}\\b`).test(text))
    expect(missing).toEqual([])
  })

  it('[REAL-02] [REAL-29] has a fixture for every preset', () => {
    const held = new Set(providers.map(({ name }) => name.replace(/,.*$/, '')))
    /** A list of `entra`, and tokens that are no JWTs: they have tests of their own. */
    const apart = ['entraTenants', 'github']
    expect(Object.keys(presets).filter((name) => !held.has(name) && !apart.includes(name))).toEqual([])
  })
})
