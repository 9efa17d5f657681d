import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { commonFlags, findCommand } from '../../src/cli/commands.js'
import { type CodeBlock, codeBlocks, pages, root } from './markdown.js'

const blocks = pages().flatMap(codeBlocks)
const written = (language: string) =>
  blocks.filter((block) => block.language === language).map((block) => [`${block.page}:${block.line}`, block] as const)

/** Commands a reader may be told to type: `.ci/run` runs each of them, or a script they name. */
const commands = new Set([
  '.ci/run',
  'npm ci',
  'npm test',
  'npm run check',
  'npm run demo',
  'npm ci && npm run demo',
  'npm ci && npm test',
])

/** Commands of a contributor that leave something behind or need servers, so that CI does not run them on every change. */
const contributorCommands = new Set(['npm run bench', 'npm run format', 'npm run interop', 'npx changeset'])

const installable = new Set([
  packageJson.name,
  ...Object.keys(packageJson.peerDependencies),
  ...Object.keys(packageJson.devDependencies),
])

/** A line with a command of ours: its verb and the names of its flags. Variables before it and input behind it are left out. */
function ownCommand(line: string): { readonly verb: string; readonly flags: readonly string[] } | undefined {
  const [, verb = '', rest = ''] =
    /^(?:\w+=\S+ )?(?:npx )?portcullis (mcp \w+|\w+)(.*)$/.exec(line.replace(/ {2,}#.*$/, '')) ?? []
  return verb === '' ? undefined : { verb, flags: [...rest.matchAll(/ --([\w-]+)/g)].map(([, flag = '']) => flag) }
}

function isKnownCommand(line: string): boolean {
  const own = ownCommand(line)
  if (own !== undefined) {
    const command = findCommand(own.verb)
    const known = [...commonFlags, ...(command?.flags ?? [])].map(({ name }) => name)
    return command !== undefined && own.flags.every((flag) => known.includes(flag))
  }
  if (commands.has(line) || contributorCommands.has(line)) return true
  if (/^npx vitest run [\w./-]+$/.test(line)) return true
  if (/\bportcullis [a-z]/.test(line) && !line.startsWith('npm ')) return isOurCommand(line)
  const install = /^npm install (.+)$/.exec(line)
  return install?.[1]?.split(' ').every((name) => installable.has(name)) ?? false
}

/** Whether every call of `portcullis` in a line is of a command that is there, with flags that it takes. */
function isOurCommand(line: string): boolean {
  const calls = [...line.matchAll(/\bportcullis (mcp [a-z]+|[a-z]+)([^|#)]*)/g)]
  return calls.every(([, name = '', rest = '']) => {
    const known = [...(findCommand(name)?.flags ?? []), ...commonFlags].map((flag) => `--${flag.name}`)
    return findCommand(name) !== undefined && (rest.match(/--[a-z-]+/g) ?? []).every((flag) => known.includes(flag))
  })
}

/** The language of blocks with legacy decorators: `ts`, and the option of the compiler. */
const legacy = 'ts experimentalDecorators'

/** Type-checks modules that exist in memory only, in one program, as a user of the package would write them. */
function problemsOf(modules: readonly CodeBlock[], options: ts.CompilerOptions = {}): ReadonlyMap<CodeBlock, string> {
  const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), options, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'))
    },
  }) as ts.ParsedCommandLine
  const files = new Map(modules.map((block) => [join(root, `block-${blocks.indexOf(block)}.ts`), block]))
  const host = ts.createCompilerHost(config.options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.readFile = (name) => files.get(name)?.code ?? readFile(name)
  host.getSourceFile = (name, options, ...rest) => {
    const block = files.get(name)
    return block === undefined ? getSourceFile(name, options, ...rest) : ts.createSourceFile(name, block.code, options)
  }
  const program = ts.createProgram([...files.keys()], config.options, host)
  return new Map(
    [...files].map(([name, block]) => {
      const source = program.getSourceFile(name)
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
      return [block, found.map((diagnostic) => describeProblem(block, diagnostic)).join('\n')]
    }),
  )
}

function describeProblem(block: CodeBlock, { file, start, messageText }: ts.Diagnostic): string {
  const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1
  return `${block.page}:${block.line + line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
}

describe('TypeScript blocks', () => {
  const known: CodeBlock = {
    page: 'known-bad',
    line: 1,
    language: 'ts',
    label: '',
    code: "import { createResourceServer } from 'portcullis'\ncreateResourceServer({ resource: 1 })\n",
  }
  let problems: ReadonlyMap<CodeBlock, string>
  beforeAll(() => {
    const modules = blocks.filter(({ language }) => language === 'ts')
    const declaring = modules.filter(({ code }) => code.includes('declare module'))
    const others = modules.filter((block) => !declaring.includes(block))
    const decorated = blocks.filter(({ language }) => language === legacy)
    problems = new Map([
      ...[[...others, known], ...declaring.map((block) => [block])].flatMap((one) => [...problemsOf(one)]),
      ...problemsOf(decorated, { experimentalDecorators: true, emitDecoratorMetadata: true }),
    ])
  }, 400_000)

  it.each([...written('ts'), ...written(legacy)])('[S0-76] %s compiles as a complete module', (_place, block) => {
    expect(problems.get(block)).toBe('')
  })

  it('would not compile with a wrong option', () => {
    expect(problems.get(known)).toContain("known-bad:3: Type 'number' is not assignable")
  })
})

describe('other blocks', () => {
  it.each(written('sh'))('%s names commands that CI runs, or packages that can be installed', (_place, { code }) => {
    const lines = code.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines.filter((line) => !isKnownCommand(line))).toEqual([])
  })

  it.each(written('json'))('%s parses', (_place, { code }) => {
    expect(() => JSON.parse(code)).not.toThrow()
  })

  it('are of a language somebody checks, or plain text', () => {
    const languages = new Set(['ts', legacy, 'sh', 'json', 'http', 'mermaid', 'text', ''])
    const others = blocks.filter(({ language }) => !languages.has(language))
    expect(others.map(({ page, line, language }) => `${page}:${line} ${language}`)).toEqual([])
  })
})
