/*
 * Bundles the code of the package into `dist`: one file an entry, and what entries share in `src/chunks`.
 *
 * Each further file costs about a millisecond to load. So the modules behind the main entry stand in two chunks instead of
 * thirty: `base` (what the files per platform and `portcullis/client` need, too, and the rooms below all others), and
 * `core`.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import bundledPackages from './bundled-packages.json' with { type: 'json' }

const root = resolve(import.meta.dirname, '..')
const { bin, exports, imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const builtFiles = (entries) => entries.flatMap(({ types: _, ...files }) => Object.values(files))
const sourceOf = (built) => built.replace('./', '').replace('dist/', '').replace(/\.js$/, '.ts')
const platformEntries = builtFiles(Object.values(imports)).map(sourceOf)
const entries = [
  ...builtFiles(Object.values(exports).filter((entry) => typeof entry === 'object')).map(sourceOf),
  ...platformEntries,
  ...Object.values(bin).map(sourceOf),
]

/** What is CommonJS, and so would have Node start its other loader, becomes an ES module, with the notice that their licences ask for. */
const takeIn = {
  name: 'take-in',
  transform(code, id) {
    const [, folder, name] = /^(.*\/node_modules\/([^/]+))\//.exec(id) ?? []
    if (!bundledPackages.includes(name)) return undefined
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const licence = readFileSync(join(folder, 'LICENSE'), 'utf8').trim().replace(/^/gm, ' * ').replace(/ +$/gm, '')
    const notice = `/*!\n * ${name} ${version}\n *\n${licence}\n */`
    return {
      code: `${notice}\nconst module = { exports: {} };\n${code}\nexport default module.exports`,
      moduleType: 'js',
    }
  },
}

const platformFiles = new Set(platformEntries.map((file) => join(root, file)))

const isLow = (module) => /\/src\/(errors|http|kit)\/|\/node_modules\//.test(module)
const chunks = { base: new Set(), core: new Set() }

const sortModules = {
  name: 'sort-modules',
  buildEnd() {
    const behind = (starts) => {
      const seen = new Set(starts.map((file) => join(root, file)))
      for (const module of seen) {
        for (const next of this.getModuleInfo(module).importedIds) {
          if (!this.getModuleInfo(next)?.isExternal) seen.add(next)
        }
      }
      return seen
    }
    const behindPlatform = behind(platformEntries)
    const behindClient = behind(['src/client/index.ts'])
    const isBase = (module) => behindPlatform.has(module) || behindClient.has(module) || isLow(module)
    const chunkOf = (module) => (isBase(module) ? chunks.base : chunks.core)
    // What a single file for one platform needs stays with it: the others could not load it.
    const isOfOnePlatform = (module) => {
      const [importer, ...others] = this.getModuleInfo(module).importers
      return others.length === 0 && platformFiles.has(importer)
    }
    for (const module of [...behind(['src/index.ts']), ...behindPlatform]) {
      if (!this.getModuleInfo(module).isEntry && !isOfOnePlatform(module)) chunkOf(module).add(module)
    }
  },
}

/** A chunk of types alone is empty, and would be loaded all the same. */
const dropEmptyChunks = {
  name: 'drop-empty-chunks',
  generateBundle(_options, files) {
    const parts = Object.values(files).filter(({ type }) => type === 'chunk')
    const empty = parts.filter(({ code, isEntry }) => !isEntry && code.trim() === '')
    for (const { fileName } of empty) {
      const name = fileName.split('/').at(-1)
      const statement = new RegExp(`^import "[^"]*/${name.replaceAll('.', '\\.')}";\\n`, 'm')
      for (const part of parts) part.code = part.code.replace(statement, '')
      delete files[fileName]
    }
  },
}

const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(entries.map((file) => [file.replace(/\.ts$/, ''), join(root, file)])),
  platform: 'neutral',
  external: (id) => /^[^./\0]/.test(id) && !bundledPackages.includes(id),
  plugins: [takeIn, sortModules, dropEmptyChunks],
  // By the path below the root, wherever a link leads: it stands in the bundle.
  resolve: { mainFields: ['main'], symlinks: false },
  transform: { target: 'es2022' },
  treeshake: { moduleSideEffects: false },
})
await bundle.write({
  dir: join(root, 'dist'),
  entryFileNames: '[name].js',
  chunkFileNames: 'src/chunks/[name]-[hash].js',
  comments: { jsdoc: false },
  codeSplitting: {
    groups: Object.entries(chunks).map(([name, modules], index) => ({
      name,
      test: (module) => modules.has(module),
      priority: Object.keys(chunks).length - index,
    })),
  },
})
await bundle.close()
