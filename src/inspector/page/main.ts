/** The development page: bundled into one file by `.ci/build-page.mjs`. */
import type { ReportLines, Row, State } from '../wire.js'
import { ask, readForever } from './connection.js'
import { byId, el, table, timeOf } from './dom.js'
import { reportView, requestView } from './request-details.js'
import { createRowList } from './row-list.js'
import { showState } from './state-view.js'

const storageKey = `portcullis ${location.pathname}`
const status = byId('status')
const details = byId('details')

/** The token is in the fragment, which no server sees, and stays there no longer than it takes to read it. */
function takeToken(): string {
  const given = location.hash.slice(1)
  if (given !== '') sessionStorage.setItem(storageKey, given)
  history.replaceState(null, '', location.pathname)
  return sessionStorage.getItem(storageKey) ?? ''
}

function copy(text: string): void {
  const fallback = el('textarea', { readonly: '', rows: '8', 'aria-label': 'To be copied' }, text)
  navigator.clipboard.writeText(text).then(
    () => say('Copied.'),
    () => {
      details.prepend(fallback)
      fallback.select()
    },
  )
}

function say(text: string): void {
  byId('said').textContent = text
}

function open(row: Row): void {
  const view =
    row.kind === 'request'
      ? requestView(row, list.eventsOf(row.correlationId), copy)
      : el('article', {}, el('h2', {}, row.type), table(timeOf(row.atMs), row.members))
  details.replaceChildren(view)
  if (matchMedia('(max-width: 50em)').matches) details.scrollIntoView()
}

function setUpTabs(): void {
  const tabs = [...document.querySelectorAll<HTMLButtonElement>('[role=tab]')]
  const select = (chosen: HTMLButtonElement): void => {
    for (const tab of tabs) {
      const isChosen = tab === chosen
      tab.setAttribute('aria-selected', String(isChosen))
      tab.tabIndex = isChosen ? 0 : -1
      byId(tab.getAttribute('aria-controls') as string).hidden = !isChosen
    }
  }
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener('click', () => select(tab))
    tab.addEventListener('keydown', ({ key }) => {
      const by = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0
      const next = tabs[(at + by + tabs.length) % tabs.length] as HTMLButtonElement
      if (by === 0) return
      next.focus()
      select(next)
    })
  }
}

function setUpQuestion(token: string): void {
  const field = byId<HTMLTextAreaElement>('token')
  byId('ask').addEventListener('click', async () => {
    const question = {
      token: field.value.trim().replace(/^bearer /i, ''),
      resource: byId<HTMLSelectElement>('resource').value,
      scope: byId<HTMLInputElement>('scope').value.trim(),
    }
    const headers = { 'Content-Type': 'application/json' }
    const answer = await ask(token, 'explain', { method: 'POST', headers, body: JSON.stringify(question) }).catch(
      () => undefined,
    )
    const told = await answer?.json().catch(() => undefined)
    const isReport = answer?.status === 200 && told !== undefined
    byId('answer').replaceChildren(
      isReport ? reportView(told as ReportLines) : el('p', {}, told?.error ?? 'No answer from the server.'),
    )
  })
}

function offerResources({ servers }: State): void {
  const select = byId<HTMLSelectElement>('resource')
  const names = servers.flatMap(({ resources }) => resources)
  if (names.join() === [...select.options].map(({ value }) => value).join()) return
  select.replaceChildren(...names.map((name) => el('option', { value: name }, name)))
}

const token = takeToken()
const list = createRowList(open)
setUpTabs()
setUpQuestion(token)
void readForever(token, {
  rows: (rows) => list.add(rows),
  dropped: (count) => list.note(`${count} lines came faster than this page could take them.`),
  restarted: () => list.note('The server was started anew.'),
  state(state) {
    showState(state)
    offerResources(state)
  },
  status(text, isGood) {
    status.textContent = text
    status.className = isGood ? 'good' : 'bad'
  },
})
