import {
  createMemoryGrantStore,
  createMemoryLockStore,
  createMemoryReplayStore,
  createMemoryRevocationStore,
} from 'portcullis'
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
