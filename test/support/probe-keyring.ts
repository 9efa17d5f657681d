import { createFileLock, createKeyringTokenStore } from '../../src/native/index.js'

/** Prints the outcome of a probe of the keyring that the environment leads to. */
const [directory = '', timeoutMs = ''] = process.argv.slice(2)
const lock = createFileLock({ directory })
const store = createKeyringTokenStore({ lock, timeoutMs: Number(timeoutMs) })
const outcome = await store.probe().then(
  () => 'works',
  ({ code, retryable, detail }) => ({ code, retryable, detail }),
)
console.log(JSON.stringify(outcome))
process.exit(0)
