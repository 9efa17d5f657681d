import { createFileLock } from '../../src/native/index.js'

/** Takes a lock, says whether it got it, and holds it until it is ended. */
const [directory = '', key = ''] = process.argv.slice(2)
const lease = await createFileLock({ directory }).acquire(key, 60_000)
console.log(lease === undefined ? 'busy' : 'held')
process.stdin.resume()
