import { join } from 'node:path'
import { compiled } from '../set-up/compiled.js'
import type { Algorithm } from '../set-up/issuer.js'
import type { Measured, Pace } from './compare.js'
import { runNode } from './fresh-process.js'

/** What verifying takes without the check of the signature, in a process of its own. */
export function aroundCheck(what: Algorithm | 'proof', pace: Pace): readonly Measured[] {
  const script = join(compiled, 'suites', 'around-child.mjs')
  return JSON.parse(runNode(['--expose-gc', script, what, JSON.stringify(pace)]))
}
