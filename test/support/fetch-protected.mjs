/** One process of a user: waits for a line on stdin, asks a protected resource once, prints the status and its token. */
import { once } from 'node:events'
import { createProtectedFetch } from 'portcullis/login'
import { createFileLock, createFileTokenStore } from 'portcullis/native'

const [directory = '', resource = ''] = process.argv.slice(2)
const fetch = createProtectedFetch({
  ...{ resource, allowInsecureLoopback: true },
  store: createFileTokenStore({ directory }),
  lock: createFileLock({ directory }),
  signIn: {
    metadata: {},
    getTokens: () => Promise.reject(new Error('no user is here to sign in')),
  },
})
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const { status } = await fetch(resource)
process.stdout.write(`${status} ${(await fetch.token())?.accessToken}\n`)
process.exit(0)
