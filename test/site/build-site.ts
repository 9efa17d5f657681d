import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** Builds the site once for all its tests. `SITE_BUILT` takes the one that stands there. */
export function setup(): void {
  if (process.env['SITE_BUILT'] !== undefined) return
  const root = join(import.meta.dirname, '../..')
  const { status } = spawnSync(process.execPath, [join(root, '.ci/site.mjs')], { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error('The site was not built.')
}
