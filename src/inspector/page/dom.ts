/** Elements by hand: text goes in as text, never as markup. */

type Child = Node | string

/** Makes an element. What is `undefined` is left out. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value)
  made.append(...children)
  return made
}

/** The element with that id, which the page has. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind
}

/** A table of names and texts; nothing where there are none. */
export function table(caption: string, lines: readonly (readonly string[])[], head?: readonly string[]): Child {
  if (lines.length === 0) return ''
  const cells = (line: readonly string[]) =>
    line.map((text, at) => el(at === 0 ? 'th' : 'td', at === 0 ? { scope: 'row' } : {}, text))
  const rows = lines.map((line) => el('tr', {}, ...cells(line)))
  const heads =
    head === undefined ? [] : [el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col' }, text))))]
  return el('div', { class: 'scroll' }, el('table', {}, el('caption', {}, caption), ...heads, el('tbody', {}, ...rows)))
}

/** How long ago, or until when, in words. */
export function distance(atMs: number | undefined): string {
  if (atMs === undefined) return '–'
  const seconds = Math.round((Date.now() - atMs) / 1000)
  const length = Math.abs(seconds)
  const text =
    length < 120 ? `${length} s` : length < 7200 ? `${Math.round(length / 60)} min` : `${Math.round(length / 3600)} h`
  return seconds < 0 ? `in ${text}` : `${text} ago`
}

/** The time of day, to the millisecond. */
export function timeOf(atMs: number): string {
  const date = new Date(atMs)
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
