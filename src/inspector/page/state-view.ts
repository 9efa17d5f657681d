/** What the servers hold: keys, caches, grants, circuits, sessions, settings. */
import type { IssuerState, ServerState, State } from '../wire.js'
import { byId, distance, el, table } from './dom.js'

const ofSessions = /^(?:session|login|logout|tokens)\./

/** Shows a state. */
export function showState({ counts, servers, grants, circuits, events }: State): void {
  const { accepted, anonymous, refused, failed, unshown } = counts
  const total = accepted + anonymous + refused + failed
  byId('counts').textContent =
    `${total} judged: ${accepted} accepted, ${anonymous} anonymous, ${refused} refused, ${failed} failed` +
    (unshown === 0 ? '' : `; ${unshown} counted and not shown`)
  const lines = (wanted: (name: string) => boolean) =>
    events
      .filter(({ name }) => wanted(name))
      .map(({ name, count, lastAtMs }) => [name, String(count), distance(lastAtMs)])
  const countHead = ['event', 'times', 'last']
  byId('state').replaceChildren(
    ...servers.flatMap((server) => serverView(server)),
    table(
      'Grants',
      grants.map((one) => [
        one.resource,
        String(one.exchanged),
        String(one.reused),
        String(one.failed),
        one.lastFailure ?? '–',
      ]),
      ['service', 'exchanged', 'reused', 'failed', 'last failure'],
    ),
    table(
      'Circuit breakers',
      circuits.map(({ issuer, circuit, state, sinceMs }) => [issuer, circuit, state, distance(sinceMs)]),
      ['issuer', 'circuit', 'state', 'since'],
    ),
    table(
      'Logins, sessions and tokens of users',
      lines((name) => ofSessions.test(name)),
      countHead,
    ),
    table(
      'Other events',
      lines((name) => !ofSessions.test(name) && !name.startsWith('auth.')),
      countHead,
    ),
  )
  byId('settings').replaceChildren(
    ...servers.flatMap(({ resources, metadata, settings, warnings }) => [
      el('h2', {}, resources.join(', ')),
      ...(warnings.length === 0
        ? []
        : [el('ul', { class: 'warnings' }, ...warnings.map((text) => el('li', {}, text)))]),
      table('Settings', [...metadata.map((url) => ['metadata', url]), ...settings]),
    ]),
  )
}

function serverView({ resources, ready, issuers, caches }: ServerState): readonly (Node | string)[] {
  return [
    el('h2', {}, resources.join(', ')),
    el(
      'p',
      {},
      ready ? 'Ready: the keys of every issuer can serve.' : 'Not ready: an issuer has no keys that can serve.',
    ),
    ...issuers.map(issuerView),
    table('Caches', caches),
  ]
}

function issuerView({
  issuer,
  state,
  keys,
  keyCount,
  fetchedAtMs,
  expiresAtMs,
  lastFailure,
}: IssuerState): Node | string {
  const age = fetchedAtMs === undefined ? '' : `, fetched ${distance(fetchedAtMs)}, good for ${distance(expiresAtMs)}`
  const failure = lastFailure === undefined ? '' : `, last failure ${lastFailure}`
  const caption = `${issuer}: ${state}, ${keyCount} keys${age}${failure}`
  if (keys.length === 0) return el('p', {}, caption)
  return table(
    caption,
    keys.map(({ kid, type, thumbprint }) => [kid, type, thumbprint]),
    ['kid', 'type', 'thumbprint'],
  )
}
