import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

interface Entry {
  readonly payload: AdapterPayload
  readonly expiresAtMs: number
}

/** Keeps the state of one authorization server in memory, beyond the provider object that a key rotation replaces. */
export function createMemoryAdapter(): AdapterFactory {
  const models = new Map<string, Map<string, Entry>>()
  const entriesOf = (model: string) => {
    const entries = models.get(model) ?? new Map<string, Entry>()
    models.set(model, entries)
    return entries
  }
  return (model) => adapterFor(entriesOf(model), models)
}

function adapterFor(entries: Map<string, Entry>, models: ReadonlyMap<string, Map<string, Entry>>): Adapter {
  const current = (entry: Entry | undefined) =>
    entry !== undefined && entry.expiresAtMs > Date.now() ? entry.payload : undefined
  const findBy = (member: 'uid' | 'userCode', value: string) =>
    current([...entries.values()].find(({ payload }) => payload[member] === value))
  return {
    async upsert(id, payload, expiresIn) {
      entries.set(id, { payload, expiresAtMs: Date.now() + (expiresIn ?? Number.POSITIVE_INFINITY) * 1000 })
    },
    find: async (id) => current(entries.get(id)),
    findByUserCode: async (userCode) => findBy('userCode', userCode),
    findByUid: async (uid) => findBy('uid', uid),
    async consume(id) {
      const payload = current(entries.get(id))
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
    },
    async destroy(id) {
      entries.delete(id)
    },
    async revokeByGrantId(grantId) {
      for (const model of models.values()) {
        for (const [id, { payload }] of model) if (payload.grantId === grantId) model.delete(id)
      }
    },
  }
}
