/*
 * Prints what the verifying of a new token takes without the check of its signature, which says yes at once here. Run in a
 * process of its own: the check is replaced before anything else is loaded.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import type { Pace } from '../measure/compare.js'
import type { Algorithm } from '../set-up/issuer.js'

const verify = (...[, , , , callback]: Parameters<typeof crypto.verify>) =>
  callback === undefined ? true : setImmediate(callback, null, true)
Object.assign(crypto, { verify })
syncBuiltinESMExports()

const { compare } = await import('../measure/compare.js')
const { createBenchIssuer } = await import('../set-up/issuer.js')
const { ownContenders } = await import('./tokens.js')

const [algorithm, pace] = process.argv.slice(2) as [Algorithm, string]
const measured = await compare(ownContenders(createBenchIssuer(), algorithm), JSON.parse(pace) as Pace)
process.stdout.write(JSON.stringify(measured))
