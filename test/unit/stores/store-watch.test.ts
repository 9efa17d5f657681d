import type { PortcullisEvent } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { createStoreWatch } from '../../../src/stores/store-watch.js'

describe('createStoreWatch', () => {
  it('[REAL-44] tells of each failure, of the first answer after one, and of no other', () => {
    const events: PortcullisEvent[] = []
    const watch = createStoreWatch('replay', true, (event) => events.push(event))
    watch.answered()
    expect(watch.health()).toEqual({ shared: true, failures: 0, lastFailure: undefined })
    watch.failed(Object.assign(new Error('redis://user:hunter2@10.0.0.7'), { code: 'ECONNREFUSED' }), false)
    watch.failed(new TypeError('no answer'), true)
    expect(watch.health()).toEqual({ shared: true, failures: 2, lastFailure: 'TypeError' })
    watch.answered()
    watch.answered()
    expect(watch.health()).toEqual({ shared: true, failures: 0, lastFailure: undefined })
    expect(events).toEqual([
      { type: 'store.failed', store: 'replay', reason: 'ECONNREFUSED', failedOpen: false },
      { type: 'store.failed', store: 'replay', reason: 'TypeError', failedOpen: true },
      { type: 'store.recovered', store: 'replay', failures: 2 },
    ])
  })
})
