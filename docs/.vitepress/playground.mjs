/** The core on WebCrypto for the playground, as `imports` of package.json chooses it for browsers. */
import { join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')

/** The sources behind `#crypto`, `#diagnostics` and `#network` where there is no Node. */
export const webSources = Object.fromEntries(
  Object.entries(packageJson.imports).map(([name, { default: built }]) => [
    name,
    join(root, built.replace('./dist/', '').replace(/\.js$/, '.ts')),
  ]),
)
