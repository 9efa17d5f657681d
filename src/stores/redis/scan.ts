import { withTimeLimit } from '../../kit/time-limit.js'
import type { RedisClient, RedisStoreOptions } from './send-command.js'

type Send = (...command: string[]) => Promise<unknown>

/** What clients have beyond a way to send a command; those of a cluster differ. */
interface ClientMembers {
  /** `ioredis` puts the prefix before keys, and neither into patterns nor off the names in an answer. */
  readonly options?: { readonly keyPrefix?: unknown }
  nodes?(role: 'master'): readonly { call: Send }[]
  readonly masters?: readonly object[]
  nodeClient?(node: object): unknown
  getSentinelNode?: unknown
  call?: Send
  sendCommand?(...args: unknown[]): Promise<unknown>
}

const glob = /[\\*?[\]^-]/g
const batch = '1000'

/** The names of all entries that begin with `prefix`, as the client takes them; each name once, from every node, in no order. */
export async function* scanNames(
  { client, timeoutMs = 1000 }: RedisStoreOptions,
  prefix: string,
): AsyncGenerator<string> {
  const ofClient = String((client as ClientMembers).options?.keyPrefix ?? '')
  const pattern = `${(ofClient + prefix).replace(glob, '\\$&')}*`
  const seen = new Set<string>()
  for (const send of await sendersOf(client)) {
    let cursor = '0'
    do {
      const answer = await withTimeLimit(timeoutMs, () => send('SCAN', cursor, 'MATCH', pattern, 'COUNT', batch))
      const [next, names] = answer as readonly [unknown, readonly unknown[]]
      cursor = String(next)
      for (const name of names.map(String)) {
        if (seen.has(name)) continue
        seen.add(name)
        yield name.slice(ofClient.length)
      }
    } while (cursor !== '0')
  }
}

/** One way to send a command per node that has entries of its own. */
async function sendersOf(client: RedisClient): Promise<readonly Send[]> {
  const members = client as ClientMembers
  if (members.nodes !== undefined) {
    return members.nodes('master').map(
      (node) =>
        (...command: string[]) =>
          node.call(...command),
    )
  }
  if (members.call !== undefined) return [(...command) => (members.call as Send)(...command)]
  const { nodeClient, masters } = members
  if (nodeClient !== undefined && masters !== undefined) {
    const nodes = await Promise.all(masters.map((node) => members.nodeClient?.(node)))
    return nodes.map((node) => sendArray(node as ClientMembers))
  }
  return [sendArray(members, ...(members.getSentinelNode === undefined ? [] : [false]))]
}

function sendArray(client: ClientMembers, ...before: readonly unknown[]): Send {
  return async (...command) => client.sendCommand?.(...before, command)
}
