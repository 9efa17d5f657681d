import { join } from 'node:path'
import { createMemoryLockStore } from 'portcullis'
import { createEncryptedTokenStore, createMemoryTokenStore } from 'portcullis/login'
import { createFileLock, createFileTokenStore } from 'portcullis/native'
import { temporaryFolder } from '../support/temporary-folder.js'
import { shared } from '../support/user-tokens-set-up.js'
import { describeProcesses } from './process-contract.js'
import { describeUserTokens } from './user-tokens-contract.js'

const secret = new Uint8Array(32).fill(5)
const sealing = { keys: [{ id: 'k', secret }], nameSecret: secret }

describeProcesses('files', async () => {
  const directory = await temporaryFolder()
  return { store: createFileTokenStore({ directory }), settings: { kind: 'file', directory } }
})

describeProcesses('encrypted files', async () => {
  const directory = await temporaryFolder()
  const store = createEncryptedTokenStore(createFileTokenStore({ directory }), sealing)
  return { store, settings: { kind: 'encrypted', directory, seed: 5 } }
})

describeUserTokens('memory', async () => {
  const inner = createMemoryTokenStore()
  return { stores: [shared(inner), shared(inner)], lock: createMemoryLockStore() }
})

describeUserTokens('files', async () => {
  const directory = await temporaryFolder()
  const open = () => createFileTokenStore({ directory })
  return { stores: [open(), open()], lock: createFileLock({ directory: join(directory, 'leases') }) }
})

describeUserTokens('encrypted files', async () => {
  const directory = await temporaryFolder()
  const open = () => createEncryptedTokenStore(createFileTokenStore({ directory }), sealing)
  return { stores: [open(), open()], lock: createFileLock({ directory: join(directory, 'leases') }) }
})
