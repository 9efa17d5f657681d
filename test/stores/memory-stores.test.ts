import { createMemoryGrantStore } from '../../src/stores/memory/memory-grant-store.js'
import { createMemoryLockStore } from '../../src/stores/memory/memory-lock-store.js'
import { createMemoryReplayStore } from '../../src/stores/memory/memory-replay-store.js'
import { createMemoryRevocationStore } from '../../src/stores/memory/memory-revocation-store.js'
import {
  describeGrantStore,
  describeLockStore,
  describeReplayStore,
  describeRevocationStore,
} from './store-contract.js'

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
