/*
 * Prints what verifying takes without the check of the signature, which says yes at once here: of new tokens, or of new
 * proofs with known tokens. Run in a process of its own: the check is replaced before anything else is loaded.
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
const { createClients, knownTokens } = await import('./dpop.js')

const [what, pace] = process.argv.slice(2) as [Algorithm | 'proof', string]
const issuer = createBenchIssuer()
const contenders = what === 'proof' ? knownTokens(issuer, createClients(issuer)) : ownContenders(issuer, what)
process.stdout.write(JSON.stringify(await compare(contenders, JSON.parse(pace) as Pace)))
