import ts from 'typescript'

/** Vite compiles legacy decorators, but leaves standard ones as they are, which Node does not read yet. */
export const standardDecorators = {
  name: 'standard-decorators',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    if (!/\/(decorators-standard[-\w]*\/.+|examples\/decorators)\.ts$/.test(id)) return undefined
    const { ES2022 } = ts.ScriptTarget
    const { ESNext } = ts.ModuleKind
    const compilerOptions = { target: ES2022, module: ESNext, sourceMap: true, verbatimModuleSyntax: true }
    const { outputText, sourceMapText } = ts.transpileModule(code, { fileName: id, compilerOptions })
    return { code: outputText, map: sourceMapText ?? null }
  },
}
