import {
  createMemoryGrantStore,
  createMemoryLockStore,
  createMemoryReplayStore,
  createMemoryRevocationStore,
} from 'portcullis'
import { createMemorySessionStore } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import {
  describeGrantStore,
  describeLockStore,
  describeReplayStore,
  describeRevocationStore,
  describeSessionStore,
} from '../../../stores/store-contract.js'

function fakeTime() {
  let now = 1_800_000_000_000
  return {
    clock: () => now,
    pass(ms: number) {
      now += ms
    },
  }
}

describeReplayStore('the memory store', () => {
  const { clock, pass } = fakeTime()
  return { store: createMemoryReplayStore({ clock }), pass }
})

describeRevocationStore('the memory store', () => {
  const { clock, pass } = fakeTime()
  return { store: createMemoryRevocationStore({ clock }), pass }
})

describeGrantStore('the memory store', () => {
  const { clock, pass } = fakeTime()
  return { store: createMemoryGrantStore({ clock }), pass }
})

describeLockStore('the memory store', () => {
  const { clock, pass } = fakeTime()
  return { store: createMemoryLockStore({ clock }), pass }
})

describeSessionStore('the memory store', () => {
  const { clock, pass } = fakeTime()
  return { store: createMemorySessionStore({ clock }), pass }
})

describe('createMemorySessionStore', () => {
  it('[A13] answers at once', () => {
    const store = createMemorySessionStore()
    expect(store.set('a', 'one', 60_000)).toBeUndefined()
    expect([store.get('a'), store.touch('a', 'two', 60_000), store.delete('a')]).toEqual(['one', true, true])
  })

  it('forgets the one that was not used for longest when it is full', async () => {
    const store = createMemorySessionStore({ maxEntries: 2 })
    await store.set('a', 'one', 60_000)
    await store.set('b', 'two', 60_000)
    await store.get('a')
    await store.set('c', 'three', 60_000)
    expect([await store.get('a'), await store.get('b'), await store.get('c')]).toEqual(['one', undefined, 'three'])
  })
})
