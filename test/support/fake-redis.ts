/** What a Redis in the memory of this process holds under one key: a text, or the fields of a hash. */
interface Held {
  readonly value: string | Map<string, string>
  endMs: number
}

/** A Redis that keeps to the commands the stores send, and refuses every other with an error, as the real one does. */
export interface FakeRedis {
  /** As a client of `ioredis` has it. Answers on a later turn. */
  call(command: string, ...args: string[]): Promise<unknown>
  /** Takes `ms` from the lifetime of every key. */
  pass(ms: number): void
  readonly held: ReadonlyMap<string, Held>
  /** Every command so far. */
  readonly commands: readonly (readonly string[])[]
}

type Command = (key: string, ...args: string[]) => unknown

/** Its scripts are told by the commands in them: what the Lua in them does shows only in a real Redis. */
export function createFakeRedis(pageSize = 3): FakeRedis {
  const held = new Map<string, Held>()
  const commands: string[][] = []
  let nowMs = 1_800_000_000_000

  function find(key: string): Held | undefined {
    const found = held.get(key)
    if (found === undefined || found.endMs > nowMs) return found
    held.delete(key)
    return undefined
  }

  function textAt(key: string): string | null {
    const value = find(key)?.value
    if (value instanceof Map) throw new Error('WRONGTYPE Operation against a key holding the wrong kind of value')
    return value ?? null
  }

  function fieldsAt(key: string): ReadonlyMap<string, string> {
    const value = find(key)?.value
    if (typeof value === 'string') throw new Error('WRONGTYPE Operation against a key holding the wrong kind of value')
    return value ?? new Map()
  }

  function endAfter(ttl: string | undefined): number {
    if (!/^[1-9]\d*$/.test(String(ttl))) throw new Error('ERR value is not an integer or out of range')
    return nowMs + Number(ttl)
  }

  const scripts: [isThis: (script: string) => boolean, run: (key: string, args: string[]) => unknown][] = [
    [
      (script) => script.includes("redis.call('PTTL'"),
      (key, [at = '', ttl]) => {
        const endMs = Math.max(endAfter(ttl), find(key)?.endMs ?? 0)
        held.set(key, { value: String(Math.max(Number(at), Number(textAt(key) ?? 0))), endMs })
        return 'OK'
      },
    ],
    [
      (script) => script.includes("redis.call('HSET'"),
      (key, [condition, expected, version = '', sealed = '', ttl]) => {
        if (!['any', 'nothing', 'version'].includes(condition ?? '')) throw new Error('ERR no such condition')
        if (condition === 'nothing' && find(key) !== undefined) return 0
        if (condition === 'version' && fieldsAt(key).get('version') !== expected) return 0
        held.delete(key)
        if (version === '') return 1
        const value = new Map(Object.entries({ version, sealed }))
        held.set(key, { value, endMs: endAfter(ttl) })
        return 1
      },
    ],
    [
      (script) => script.includes("redis.call('PEXPIRE'"),
      (key, [holder, ttl]) => {
        const found = find(key)
        if (found?.value !== holder || found === undefined) return 0
        found.endMs = endAfter(ttl)
        return 1
      },
    ],
    [
      (script) => script.includes("redis.call('DEL'"),
      (key, [holder]) => (textAt(key) === holder && held.delete(key) ? 1 : 0),
    ],
  ]

  const known: Record<string, Command> = {
    SET(key, value, ...flags) {
      const [unit, ttl] = flags.splice(flags.indexOf('PX'), 2)
      if (value === undefined || unit !== 'PX' || flags.length > 1) throw new Error('ERR syntax error')
      const [condition = 'ANY'] = flags
      if (!['ANY', 'NX', 'XX'].includes(condition)) throw new Error('ERR syntax error')
      const endMs = endAfter(ttl)
      const isThere = find(key) !== undefined
      if (condition === (isThere ? 'NX' : 'XX')) return null
      held.set(key, { value, endMs })
      return 'OK'
    },
    GET: textAt,
    DEL: (key) => (find(key) !== undefined && held.delete(key) ? 1 : 0),
    EXISTS: (key) => (find(key) === undefined ? 0 : 1),
    HMGET: (key, ...fields) => fields.map((field) => fieldsAt(key).get(field) ?? null),
    EVAL(script, keys, key = '', ...args) {
      const [, run] = scripts.find(([isThis]) => isThis(script)) ?? []
      if (run === undefined || keys !== '1') throw new Error('ERR Error compiling script')
      return run(key, args)
    },
    /** A page overlaps the one before it, as after a rehash. */
    SCAN(cursor, match, pattern = '', count, size) {
      if (match !== 'MATCH' || count !== 'COUNT' || !(Number(size) > 0)) throw new Error('ERR syntax error')
      if (!/^.*[^\\]\*$/.test(pattern)) throw new Error('ERR invalid pattern')
      const prefix = pattern.slice(0, -1).replace(/\\(.)/g, '$1')
      const names = [...held.keys()].filter((key) => find(key) !== undefined).sort()
      const first = Math.max(0, Number(cursor) - 1)
      const next = Number(cursor) + pageSize
      const page = names.slice(first, next).filter((key) => key.startsWith(prefix))
      return [next < names.length ? String(next) : '0', page]
    },
  }

  return {
    async call(command, ...args) {
      commands.push([command, ...args])
      const run = known[command]
      if (run === undefined || !args.every((arg) => typeof arg === 'string')) throw new Error('ERR unknown command')
      await Promise.resolve()
      return run(...(args as [string]))
    },
    pass(ms) {
      nowMs += ms
    },
    held,
    commands,
  }
}
