import type { AuthError, AuthErrorCode } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { errorDescriptions } from '../../src/errors/codes.js'
import { refusalSentence } from '../../src/explain/sentences.js'
import { anchors, localLinks, read } from './markdown.js'

const own = ['docs/troubleshooting.md', 'docs/troubleshooting-set-up.md', 'docs/troubleshooting-client.md']

describe('the pages of troubleshooting', () => {
  const links = own.flatMap(localLinks)

  it('leads to every code of a refusal', () => {
    const missing = Object.keys(errorDescriptions).filter((code) => !links.includes(`errors.md#${code.toLowerCase()}`))
    expect(missing).toEqual([])
  })

  it('[REAL-40] has a place for the link at the end of each sentence of a refusal', () => {
    const places = anchors('docs/troubleshooting.md')
    const page = 'https://github.com/portcullis-auth/portcullis/blob/main/docs/troubleshooting.md#'
    for (const code of Object.keys(errorDescriptions) as AuthErrorCode[]) {
      const [, link = ''] = / See (\S+)$/.exec(refusalSentence({ error: { code, message: '' } as AuthError })) ?? []
      expect(link.startsWith(page), code).toBe(true)
      expect(places).toContain(link.slice(page.length))
    }
  })

  it('says in each row what is seen, why, and what to write', () => {
    const rows = own
      .flatMap((page) => read(page).split('\n## ').slice(1))
      .filter((section) => !section.startsWith('By what you see\n'))
      .flatMap((section) => section.split('\n'))
      .filter((line) => line.startsWith('| '))
    expect(rows.length).toBeGreaterThan(60)
    for (const row of rows) expect(row.split(' | '), row).toHaveLength(3)
  })
})
