/* `npm run sbom`: prints what is in a release (CycloneDX): all that it depends on, and what stands in its own files. */
import { execFileSync } from 'node:child_process'
import bundledPackages from './bundled-packages.json' with { type: 'json' }

function materials(...flags) {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', ...flags]
  const output = execFileSync('npm', args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    shell: process.platform === 'win32',
  })
  return JSON.parse(output)
}

const shipped = materials('--omit=dev')
const own = shipped.metadata.component['bom-ref']
const all = materials()
const { dependsOn: direct } = all.dependencies.find(({ ref }) => ref === own)
const bundled = all.components.filter(
  ({ name, 'bom-ref': reference }) => bundledPackages.includes(name) && direct.includes(reference),
)
if (bundled.length !== bundledPackages.length) throw new Error(`not all of ${bundledPackages} are in the lock file`)
for (const { properties: _, ...component } of bundled) shipped.components.push(component)
shipped.dependencies.push(...bundled.map((component) => ({ ref: component['bom-ref'], dependsOn: [] })))
shipped.dependencies.find(({ ref }) => ref === own).dependsOn.push(...bundled.map((component) => component['bom-ref']))
process.stdout.write(`${JSON.stringify(shipped, null, 2)}\n`)
