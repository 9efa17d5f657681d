/** The list of lines: newest first, searched, paused, walked through by the arrow keys. */
import type { EventRow, Row } from '../wire.js'
import { byId, el, timeOf } from './dom.js'
import { titleOf } from './request-details.js'

/** The list. */
export interface RowList {
  add(rows: readonly Row[]): void
  /** A line of our own: that something is missing, or began anew. */
  note(text: string): void
  eventsOf(correlationId: string): readonly EventRow[]
}

interface Entry {
  readonly row: Row | undefined
  readonly text: string
  readonly item: HTMLElement
}

const maxEntries = 500

/** Makes the list; `open` is told of the line to show. */
export function createRowList(open: (row: Row) => void): RowList {
  const list = byId('rows')
  const search = byId<HTMLInputElement>('search')
  const filter = byId<HTMLSelectElement>('filter')
  const pause = byId<HTMLButtonElement>('pause')
  let entries: Entry[] = []
  let waiting: Row[] = []
  let isPaused = false

  function isWanted({ row, text }: Entry): boolean {
    if (row === undefined) return true
    const kind = row.kind === 'request' ? row.outcome : 'event'
    const isOfKind = filter.value === 'all' || filter.value === kind || (filter.value === 'request' && kind !== 'event')
    return isOfKind && text.includes(search.value.trim().toLowerCase())
  }

  function show(entry: Entry): void {
    entry.item.hidden = !isWanted(entry)
    entries.push(entry)
    list.prepend(entry.item)
    while (entries.length > maxEntries) entries.shift()?.item.remove()
  }

  function showRow(row: Row): void {
    const button = el('button', { type: 'button', class: 'row' }, ...cellsOf(row))
    button.addEventListener('click', () => {
      for (const { item } of entries) item.firstElementChild?.removeAttribute('aria-current')
      button.setAttribute('aria-current', 'true')
      open(row)
    })
    show({ row, text: JSON.stringify(row).toLowerCase(), item: el('li', {}, button) })
  }

  function refilter(): void {
    for (const entry of entries) entry.item.hidden = !isWanted(entry)
  }

  function togglePause(): void {
    isPaused = !isPaused
    if (!isPaused) for (const row of waiting.splice(0)) showRow(row)
    pause.setAttribute('aria-pressed', String(isPaused))
    label()
  }

  function label(): void {
    pause.textContent = isPaused ? `Resume (${waiting.length} new)` : 'Pause'
  }

  function step(by: number): void {
    const buttons = entries.filter(({ item }) => !item.hidden).map(({ item }) => item.querySelector('button'))
    const shown = buttons.filter((button) => button !== null).reverse()
    const at = shown.indexOf(document.activeElement as HTMLButtonElement)
    const next = shown[Math.min(shown.length - 1, Math.max(0, at + by))]
    next?.focus()
    next?.click()
  }

  search.addEventListener('input', refilter)
  filter.addEventListener('change', refilter)
  pause.addEventListener('click', togglePause)
  byId('clear').addEventListener('click', () => {
    entries = []
    waiting = []
    list.replaceChildren()
    label()
  })
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLTextAreaElement) return
    const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
    const byKey: Readonly<Record<string, (() => void) | undefined>> = {
      ...(!isTyping && { '/': () => search.focus(), p: togglePause, j: () => step(1), k: () => step(-1) }),
      ...(list.contains(event.target as Node) && { ArrowDown: () => step(1), ArrowUp: () => step(-1) }),
      ...(event.target === search && { Escape: () => search.blur(), ArrowDown: () => step(0) }),
    }
    const act = byKey[event.key]
    if (act === undefined) return
    event.preventDefault()
    act()
  })

  return {
    add(rows) {
      if (!isPaused) {
        for (const row of rows) showRow(row)
        return
      }
      waiting = [...waiting, ...rows].slice(-maxEntries)
      label()
    },
    note: (text) => show({ row: undefined, text, item: el('li', { class: 'note' }, text) }),
    eventsOf: (correlationId) =>
      entries.flatMap(({ row }) => (row?.kind === 'event' && row.correlationId === correlationId ? [row] : [])),
  }
}

function cellsOf(row: Row): readonly Node[] {
  const time = el('time', {}, timeOf(row.atMs))
  if (row.kind === 'event') {
    const members = row.members.map(([name, text]) => `${name} ${text}`).join(' · ')
    return [time, el('span', { class: 'chip event' }, 'event'), el('span', { class: 'what' }, `${row.type} ${members}`)]
  }
  const took = row.durationMs === undefined ? '' : `${row.durationMs} ms`
  return [
    time,
    el('span', { class: `chip ${row.outcome}` }, row.outcome),
    el('span', { class: 'what' }, titleOf(row)),
    el('span', { class: 'quiet' }, [row.code ?? row.scheme ?? '', took].join(' ')),
  ]
}
