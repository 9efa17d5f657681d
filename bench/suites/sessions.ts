import type { SessionFramework } from '../http/protocol.js'
import { measureServers, type Server, startServer } from '../http/servers.js'
import { median, pairedRatio, spreadOf } from '../measure/statistics.js'
import type { Row, Suite, Table, Verdict } from './suite.js'

const stored = 'portcullis, stored'
const cookies = 'portcullis, cookies'
const expressSession = 'express-session, in memory'
const openidConnect = 'express-openid-connect'
const secureSession = '@fastify/secure-session + @fastify/oauth2'
const koaSession = 'koa-session, in memory'
const ironSession = 'iron-session'

const contenders: Readonly<Record<SessionFramework, readonly string[]>> = {
  express: ['bare', stored, cookies, expressSession, openidConnect],
  fastify: ['bare', stored, cookies, secureSession],
  koa: ['bare', stored, cookies, koaSession],
  fetch: ['bare', stored, cookies, ironSession],
}
const frameworks = Object.keys(contenders) as SessionFramework[]

/** Whom each is held against: both ways of ours against whatever way theirs is. Koa also against those of other frameworks. */
const rivals: readonly (readonly [
  framework: SessionFramework,
  name: string,
  other: SessionFramework,
  rival: string,
])[] = [
  ['express', stored, 'express', expressSession],
  ['express', stored, 'express', openidConnect],
  ['express', cookies, 'express', openidConnect],
  ['fastify', stored, 'fastify', secureSession],
  ['fastify', cookies, 'fastify', secureSession],
  ['koa', stored, 'koa', koaSession],
  ['koa', stored, 'express', expressSession],
  ['koa', stored, 'fastify', secureSession],
  ['fetch', stored, 'fetch', ironSession],
  ['fetch', cookies, 'fetch', ironSession],
]

/** What each does on such a request, by its source and its documentation. */
const checks = [
  '`portcullis, stored`: digest of a random id, one read of the store; its end by use and in all; logouts elsewhere, by user, session and login; whether another site sent the request, where it may change something',
  '`portcullis, cookies`: AES-256-GCM, bound to the login of this browser, once in 5 minutes for each of 2,000 users, in between constant-time equality with what was opened; its end by use and in all; whether another site sent the request, where it may change something',
  '`express-session, in memory`: HMAC-SHA256 of the id, one read of the store; the end by use; writes the time of use to the store with each answer',
  '`express-openid-connect`: A256GCM; its end by use and in all; decodes the ID token and verifies it no more; seals the session again with each answer',
  '`koa-session, in memory`: HMAC-SHA1 of the id, one read of the store; the end since the last write',
  '`iron-session`: PBKDF2 with one round, AES-256-CBC and HMAC-SHA256; the end since the last write',
  '`@fastify/secure-session`: XSalsa20-Poly1305; the end since the last write; `@fastify/oauth2` does nothing on such a request',
]

/**
 * A page behind a session: whole servers, each in a process, all of them in one run under the load of another process, so
 * that processor time per request counts. Every user has a session; requests come from them in turn.
 */
export const sessions: Suite = async ({ quick }) => {
  const users = quick ? 20 : 1000
  const all: (Server & { readonly framework: SessionFramework })[] = []
  for (const framework of frameworks) {
    for (const guard of contenders[framework]) {
      all.push({ framework, ...(await startServer('session-app', { framework, guard, users })) })
    }
  }
  const loadOf = ({ cookies: tokens }: Server) => ({ tokens, areCookies: true, order: 'in turn' }) as const
  await measureServers(all, loadOf, { rounds: quick ? 2 : 9 })

  const find = (framework: SessionFramework, guard: string) =>
    all.find((one) => one.framework === framework && one.guard === guard) as Server
  const share = (one: Server, of: Server) => pairedRatio(of.cpuPerRequest, one.cpuPerRequest).median
  const tables = frameworks.map((framework): Table => {
    const rows = contenders[framework].map((guard): Row => {
      const {
        cpuPerRequest,
        perSecond,
        cookies: [cookie = ''],
      } = find(framework, guard)
      const cells = [share(find(framework, guard), find(framework, 'bare')).toFixed(2), median(perSecond).toFixed(0)]
      return { name: guard, figure: spreadOf(cpuPerRequest), cells: [...cells, String(cookie.length)] }
    })
    return {
      id: `sessions-${framework}`,
      title: `${framework}, a page behind a session: processor time per request`,
      unit: 'µs',
      columns: ['speed, bare = 1', 'requests/s', 'bytes of cookies'],
      rows,
      chart: true,
      notes: checks.filter((note) =>
        contenders[framework].some((guard) => note.startsWith(`\`${guard.split(' +')[0]}\``)),
      ),
    }
  })
  const verdicts = rivals.map(([framework, name, other, rival]): Verdict => {
    const figure = share(find(framework, name), find(other, rival))
    const against = other === framework ? rival : `${rival} on ${other}`
    return { target: `${framework}, a session: ${name} to ${against}`, figure, unit: '×', atLeast: 1 }
  })
  return { tables, verdicts }
}
