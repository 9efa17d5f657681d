import { join } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** What the compiler has to say about the project in a folder. */
function problemsIn(folder: string): readonly string[] {
  const configFile = join(root, folder, 'tsconfig.json')
  const { config } = ts.readConfigFile(configFile, ts.sys.readFile)
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, join(root, folder))
  expect(fileNames).not.toEqual([])
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram(fileNames, options))
  return diagnostics
    .filter(({ file }) => file?.fileName.startsWith(join(root, folder)) ?? true)
    .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
}

it.each(['test/decorators-legacy', 'examples/experimental-decorators'])(
  '%s compiles with legacy decorators',
  (folder) => {
    expect(problemsIn(folder)).toEqual([])
  },
  120_000,
)
