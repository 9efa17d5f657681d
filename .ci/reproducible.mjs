/*
 * Whether the package is the same, byte for byte, whoever builds it: packs what stands in `dist`, builds and packs the
 * source once more, in another folder, time zone and language, and compares. Run it after `npm run build`.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const work = mkdtempSync(join(tmpdir(), 'portcullis-reproducible-'))

function pack(folder, name, flags, env = {}) {
  const destination = join(work, name)
  mkdirSync(destination)
  execFileSync('npm', ['pack', '--silent', ...flags, '--pack-destination', destination], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  const [file] = readdirSync(destination)
  return createHash('sha512')
    .update(readFileSync(join(destination, file)))
    .digest('base64')
}

function cleanCopy() {
  const folder = join(work, 'elsewhere', 'of another name')
  const isSource = (path) => !/[\\/](node_modules|\.git|\.mutation|dist|coverage)$/.test(path)
  cpSync(root, folder, { recursive: true, filter: isSource })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  return folder
}

try {
  const here = pack(root, 'here', ['--ignore-scripts'])
  const there = pack(cleanCopy(), 'there', [], { TZ: 'Pacific/Kiritimati', LC_ALL: 'C', HOME: work })
  if (here !== there) throw new Error(`Two builds of one source differ: sha512-${here} and sha512-${there}`)
  console.log(`two builds give one package: sha512-${here}`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
