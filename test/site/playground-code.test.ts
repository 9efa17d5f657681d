import { join } from 'node:path'
import * as presets from 'portcullis/providers'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Choices,
  chooseProvider,
  type Framework,
  frameworks,
  initialChoices,
  readFragment,
  writeFragment,
} from '../../docs/.vitepress/theme/playground/choices.js'
import { frameworkCode } from '../../docs/.vitepress/theme/playground/framework-code.js'
import { readPastedKeySet } from '../../docs/.vitepress/theme/playground/pasted-key-set.js'
import { type ProviderName, providerSamples } from '../../docs/.vitepress/theme/playground/provider-samples.js'
import { hostilePayloads } from '../support/inspector-in-chromium.js'

const root = join(import.meta.dirname, '../..')

/** What differs from the choices of the start, and shows in the code. */
const requirements: Readonly<Record<string, Partial<Choices>>> = {
  'one scope': {},
  nothing: { scope: '' },
  'all of them': { scope: 'a b', acr: 'mfa', maxAgeSeconds: '300' },
  'any of them': { scope: 'a b', scopeMode: 'any', acr: 'mfa pwd', dpop: 'required' },
  'an audience': { audience: 'api://orders', dpop: 'off' },
  'several audiences, on this machine': { audience: 'a b', resource: 'http://localhost:3000/shop' },
}

const hostile = [
  ...hostilePayloads,
  "'})\nprocess.exit()\n({'",
  '\\',
  '`\u0024{process.exit()}`',
  'a\u2028b',
  '*/ //',
  '\u202e',
]

function choicesOf(framework: Framework, provider: ProviderName, change: Partial<Choices> = {}): Choices {
  const choices = initialChoices()
  chooseProvider(choices, provider)
  return Object.assign(choices, { framework }, change)
}

/** The programs to compile, by what they are of. */
function programs(): ReadonlyMap<string, string> {
  const names = Object.keys(frameworks) as Framework[]
  const rows = [
    ...names.flatMap((framework) =>
      Object.entries(requirements).map(
        ([what, change]) => [`${framework}, ${what}`, choicesOf(framework, 'keycloak', change)] as const,
      ),
    ),
    ...(Object.keys(providerSamples) as ProviderName[]).map(
      (provider, index) => [`${provider}`, choicesOf(names[index % names.length] ?? 'express', provider)] as const,
    ),
    ...hostile.map(
      (text, index) =>
        [
          `hostile ${index}`,
          choicesOf(names[index % names.length] ?? 'express', 'keycloak', {
            resource: text,
            audience: text,
            scope: text,
            acr: text,
            parameters: { issuer: text },
          }),
        ] as const,
    ),
  ]
  return new Map(rows.map(([what, choices]) => [what, frameworkCode(choices).code]))
}

/** Compiles all of them in one program, as a user of the package would. Gives what is wrong, by name. */
function problemsOf(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root)
  const compiled = { ...options, noEmit: true, experimentalDecorators: true, emitDecoratorMetadata: true }
  const names = new Map([...texts.keys()].map((what, index) => [join(root, `program-${index}.ts`), what]))
  const host = ts.createCompilerHost(compiled)
  const { fileExists, getSourceFile } = host
  const textOf = (file: string) => texts.get(names.get(file) ?? '')
  host.fileExists = (file) => names.has(file) || fileExists(file)
  host.getSourceFile = (file, languageVersion, ...rest) => {
    const text = textOf(file)
    return text === undefined
      ? getSourceFile(file, languageVersion, ...rest)
      : ts.createSourceFile(file, text, languageVersion)
  }
  const program = ts.createProgram([...names.keys()], compiled, host)
  return new Map(
    [...names].map(([file, what]) => {
      const source = program.getSourceFile(file)
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
      return [what, found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')).join('\n')]
    }),
  )
}

/** The value of `resource` in a program, as TypeScript reads it. */
function resourceIn(code: string): string | undefined {
  let found: string | undefined
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'resource' && ts.isStringLiteral(node.initializer)) {
      found ??= node.initializer.text
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('program.ts', code, ts.ScriptTarget.ES2022, true))
  return found
}

describe('the code of the playground', () => {
  const all = programs()
  const broken = `${frameworkCode(initialChoices()).code}createResourceServer({ resource: 1 })\n`
  let problems: ReadonlyMap<string, string>
  beforeAll(() => {
    problems = problemsOf(new Map([...all, ['broken', broken]]))
  }, 400_000)

  it('compiles against the package, for each framework, requirement and provider', () => {
    const wrong = [...all.keys()].filter((what) => problems.get(what) !== '')
    expect(wrong.map((what) => `${what}: ${problems.get(what)}\n${all.get(what)}`)).toEqual([])
    expect(all.size).toBeGreaterThan(60)
  })

  it('would not compile with a wrong option', () => {
    expect(problems.get('broken')).toContain("Type 'number' is not assignable")
  })

  it.each(hostile.map((text) => [JSON.stringify(text), text]))('keeps %s inside its quotes', (_shown, text) => {
    const { code } = frameworkCode(choicesOf('express', 'keycloak', { resource: text }))
    expect(resourceIn(code)).toBe(text.trim())
    expect(code).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}]/u)
  })
})

describe('the providers of the playground', () => {
  it('are all presets but those that need a secret or several tenants', () => {
    const offered = Object.keys(providerSamples)
    expect([...offered, 'entraTenants', 'github'].sort()).toEqual(Object.keys(presets).sort())
  })
})

describe('the fragment of the playground', () => {
  it('tells choices and takes them back, and is empty for those of the start', () => {
    expect(writeFragment(initialChoices())).toBe('')
    for (const name of Object.keys(providerSamples) as ProviderName[]) {
      const choices = choicesOf('mcp', name, {
        mistake: 'kid',
        acr: 'a b',
        dpop: 'required',
        resource: 'https://a.test',
      })
      expect(readFragment(`#${writeFragment(choices)}`)).toEqual({ ...choices, scope: initialChoices(name).scope })
    }
  })

  it.each([
    ['a JWT', 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA'],
    ['a piece of one', `x eyJhbGciOi.`],
    ['an opaque token', 'q'.repeat(40)],
    ['a long text', 'a b '.repeat(60)],
    ['a text that hides', 'https://a.test/\u202ex'],
  ])('neither tells nor takes %s', (_what, text) => {
    const choices = choicesOf('express', 'keycloak', { resource: text, scope: text, parameters: { issuer: text } })
    expect(writeFragment(choices)).toBe('provider=keycloak')
    const told = new URLSearchParams({ provider: 'keycloak', resource: text, 'p.issuer': text, scope: text })
    expect(readFragment(`${told}`)).toEqual(initialChoices('keycloak'))
  })

  it.each([
    'provider=__proto__',
    'provider=toString&mistake=constructor',
    'p.__proto__=x&dpop=never',
    '%E0%A4%A',
    'token=x',
  ])('passes over %s', (fragment) => {
    expect(readFragment(fragment)).toEqual(initialChoices())
  })
})

describe('a pasted key set', () => {
  const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'a' }
  const secret = 'kdbKQ2hP8d4iYb1vJ9yT'

  it('stays as it is where nothing in it is private', () => {
    const text = JSON.stringify({ keys: [key] })
    expect(readPastedKeySet(text)).toEqual({ text, warning: undefined })
  })

  it.each<[string, string]>([
    ['a private key', JSON.stringify({ keys: [{ ...key, d: secret }] })],
    ['a shared secret', JSON.stringify({ keys: [{ kty: 'oct', k: secret }] })],
    ['one written in escapes', `{"keys":[{"kty":"EC","\\u0064":"${secret}"}]}`],
    ['one beside the list', JSON.stringify({ keys: [key], d: secret })],
    ['one in a list that another list replaces', `{"keys":[{"d":"${secret}"}],"keys":[]}`],
    ['one inside a key', JSON.stringify({ keys: [{ ...key, jwk: { d: secret } }] })],
    ['one private key alone', JSON.stringify({ ...key, d: secret })],
    ['one in broken JSON', `{"keys":[{"d":"${secret}"`],
    ['one in PEM', `-----BEGIN RSA PRIVATE KEY-----\n${secret}`],
    ['one beside what nests too deep', `{"keys":[{"d":"${secret}","a":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}`],
  ])('does not give %s back', (_what, pasted) => {
    const { text, warning } = readPastedKeySet(pasted)
    expect(text).not.toContain(secret)
    expect(warning).toContain('private or symmetric key')
  })

  it('keeps the public part of a private key', () => {
    const { text } = readPastedKeySet(JSON.stringify({ keys: [{ ...key, d: secret }] }))
    expect(JSON.parse(text)).toEqual({ keys: [key] })
  })

  it.each([
    ['', 'jwks_uri'],
    ['{', 'not JSON'],
    ['[]', 'not JSON'],
    ['{"kty":"EC"}', 'no list'],
    [`{"keys":["${'a'.repeat(600_000)}"]}`, '512 KiB'],
  ])('says what is wrong with %.20s', (pasted, words) => {
    expect(readPastedKeySet(pasted).warning).toContain(words)
  })
})
