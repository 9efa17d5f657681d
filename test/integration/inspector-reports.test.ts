import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toRequestRow } from '../../src/inspector/request-row.js'
import type { RequestRow, Row, State } from '../../src/inspector/wire.js'
import { insightOf } from '../../src/resource-server/insight.js'
import { hasChromium, startChromium } from '../support/chromium.js'
import { type InspectedApi, startInspectedApi } from '../support/inspected-api.js'
import { hostilePayloads, openInspector } from '../support/inspector-in-chromium.js'
import { makeMistake, ordinaryMistakes } from '../support/ordinary-mistakes.js'

/** What the page shows of each ordinary mistake, as the server of it tells. */
async function rowsOfMistakes(): Promise<readonly RequestRow[]> {
  const rows = ordinaryMistakes.map(async ([, mistake]) => {
    const { server, facts, requirement } = makeMistake(mistake)
    const told = new Promise<RequestRow>((resolve, reject) => {
      insightOf(server)?.watch((judgement) => {
        judgement.report().then((report) => resolve(toRequestRow(judgement, report, 0)), reject)
      })
    })
    await server.authenticate(facts, requirement)
    return told
  })
  return Promise.all(rows)
}

const members = [['name', 'text']] as const
const report = {
  outcome: 'accepted',
  code: undefined,
  status: undefined,
  failed: undefined,
  sentence: undefined,
  steps: [['audience', 'passed', 'expected', 'received', 'RFC 9068 §4']],
  token: { header: members, claims: members, length: 3 },
} as const

/** A line in which nothing is left out. */
const everyField: RequestRow = {
  kind: 'request',
  atMs: 0,
  phase: 'request',
  method: 'GET',
  target: '/me',
  origin: 'http://localhost',
  route: '/me',
  requestId: 'r',
  correlationId: 'c',
  durationMs: 1,
  scheme: 'DPoP',
  hasProof: true,
  resource: 'https://api.example.com',
  issuer: 'https://as.test',
  fields: members,
  challenges: [{ scheme: 'DPoP', parameters: members }],
  ...report,
  sentence: 'why',
  code: 'ERR_TOKEN_AUDIENCE',
}

/** Lines that no mistake leads to: callers let through, tokens without a request, events. */
const otherRows: readonly Row[] = [
  { ...everyField, ...report },
  { ...everyField, ...report, outcome: 'anonymous', token: undefined },
  { ...everyField, ...report, phase: 'token', target: undefined },
  { ...everyField, ...report, phase: 'check', steps: [], method: undefined },
  { kind: 'event', atMs: 0, type: 'grant.failed', correlationId: 'c', members },
]

const fullState: State = {
  counts: { accepted: 1, anonymous: 2, refused: 3, failed: 4, unshown: 5 },
  servers: [
    {
      resources: ['https://api.example.com'],
      metadata: ['https://api.example.com/.well-known/oauth-protected-resource'],
      ready: true,
      issuers: [
        {
          issuer: 'https://as.test',
          state: 'fresh',
          keys: [{ kid: 'a', type: 'EC', thumbprint: 'b' }],
          keyCount: 1,
          fetchedAtMs: 1,
          expiresAtMs: 2,
          lastFailure: 'timeout',
        },
      ],
      caches: members,
      settings: members,
      warnings: ['warning'],
    },
  ],
  grants: [{ resource: 'https://calendar.test', exchanged: 1, reused: 2, failed: 3, lastFailure: 'ERR_GRANT_REFUSED' }],
  circuits: [{ issuer: 'https://as.test', circuit: 'token', state: 'open', sinceMs: 1 }],
  events: [
    { name: 'session.created', count: 1, lastAtMs: 1 },
    { name: 'keys.refreshed', count: 1, lastAtMs: 1 },
  ],
}

/** The same with one of the payloads in place of every text; `at` says with which one to begin. */
function hostile(value: unknown, at: number): unknown {
  let next = at
  const worst = (one: unknown, name?: string): unknown => {
    // It tells requests from events: the page would not look at the rest.
    if (name === 'kind') return one
    if (typeof one === 'string') return hostilePayloads[next++ % hostilePayloads.length]
    if (Array.isArray(one)) return one.map((item) => worst(item))
    if (typeof one !== 'object' || one === null) return one
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, worst(inner, key)]))
  }
  return worst(value)
}

/** An answer of the stream. */
function streamOf(rows: readonly Row[], state: State = fullState): string {
  const message = (name: string, data: unknown) => `id: run.1\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
  return message('hello', 'run') + message('rows', rows) + message('state', state)
}

/** What the page says of each of its lines, from the newest on. */
function openEach(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('#rows button')].map((button) => {
      button.click()
      return document.querySelector('#details')?.textContent ?? ''
    }),
  )
}

describe.runIf(hasChromium('the reports of the development page'))('a development page that is fed in Chromium', () => {
  let browser: Browser
  let api: InspectedApi
  beforeAll(async () => {
    browser = await startChromium()
    api = await startInspectedApi()
  })
  afterAll(async () => {
    await browser.close()
    await api.close()
  })

  /** A page that gets these answers of the stream in place of its server's, one after the other. */
  function openFedPage(answers: readonly (string | Promise<string>)[]) {
    const left = answers.values()
    return openInspector(browser, api.origin, {}, (context) =>
      context.route('**/.portcullis/stream?*', async (route) => {
        const { value, done } = left.next()
        // No answer: the page waits for one until it is closed.
        if (done !== true) await route.fulfill({ contentType: 'text/event-stream', body: await value })
      }),
    )
  }

  it('shows every kind of report that an ordinary mistake leads to: the step, the sentence, the challenge', async () => {
    const rows = await rowsOfMistakes()
    expect(rows.length).toBeGreaterThan(60)
    const { context, page, trouble } = await openFedPage([streamOf(rows)])
    await expect.poll(() => page.locator('#rows button').count()).toBe(rows.length)
    const shown = (await openEach(page)).reverse()
    for (const [at, { code, status, failed, sentence, challenges }] of rows.entries()) {
      const text = shown[at] ?? ''
      for (const part of [code, String(status), failed, sentence, 'Copy as curl']) expect(text).toContain(part)
      for (const { scheme, parameters } of challenges) {
        expect(text).toContain(`Challenge: ${scheme}`)
        for (const [name, value] of parameters) expect(text).toContain(`${name}${value}`)
      }
    }
    expect(trouble).toEqual([])
    await context.close()
  })

  it('runs nothing of a report or a state whose every field is hostile, the route among them', async () => {
    const kinds = [...(await rowsOfMistakes()), ...otherRows]
    const lines = kinds.map((one, at) => hostile({ ...everyField, ...JSON.parse(JSON.stringify(one)) }, at) as Row)
    const { context, page, trouble } = await openFedPage([streamOf(lines, hostile(fullState, 7) as State)])
    await page.evaluate(() => {
      document.addEventListener('securitypolicyviolation', ({ blockedURI }) => console.error(`violation ${blockedURI}`))
    })
    await expect.poll(() => page.locator('#rows button').count()).toBe(lines.length)
    const shown = (await openEach(page)).reverse()
    for (const [at, line] of lines.entries()) {
      const { route } = line as RequestRow
      if (line.kind === 'request') expect(shown[at]).toContain(`route${route}`)
    }
    const made = await page.evaluate(() => {
      const elements = [...document.querySelectorAll('main *')]
      return {
        tags: [...new Set(elements.map(({ localName }) => localName))],
        attributes: [...new Set(elements.flatMap((element) => element.getAttributeNames()))],
        inWindow: document.body.children.length,
      }
    })
    const known =
      'section div ul li button time span p h2 article ol strong table caption thead tbody tr th td label input select option textarea'
    expect(made.tags.filter((tag) => !known.split(' ').includes(tag))).toEqual([])
    expect(made.attributes.filter((name) => /^on|^src|^href|^style|^action|^form/.test(name))).toEqual([])
    expect(made.inWindow).toBe(4)
    expect(trouble).toEqual([])
    await context.close()
  })

  it('holds 500 lines however many come, also while it is paused', async () => {
    let more: (text: string) => void = () => {}
    const later = new Promise<string>((resolve) => {
      more = resolve
    })
    const many = (count: number) => Array.from({ length: count }, () => otherRows[0] as Row)
    const { context, page } = await openFedPage([streamOf(many(600)), later])
    await expect.poll(() => page.locator('#rows li').count()).toBe(500)
    await page.click('#pause')
    more(streamOf(many(600)))
    await page.locator('#pause', { hasText: 'Resume (500 new)' }).waitFor()
    await page.click('#pause')
    expect(await page.locator('#rows li').count()).toBe(500)
    await context.close()
  })
})
