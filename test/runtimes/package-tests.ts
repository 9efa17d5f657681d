import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { join as joinUrl } from 'node:path/posix'
import { sortTestFiles } from '../support/test-files.js'

const imported = /^(?:import|export) (?!type )(?:[^'"]*? from )?['"]([^'"]+)['"]/gm
const ofRepository = /^(src|adapters|bench|dist|examples|package\.json|\.)/
/** Modules of an installed package cannot be replaced. */
const replacesModules = /\bvi\.(mock|doMock)\b/
const rooms = /^test\/(adapters|attacks|integration|property|providers|rfc|unit)\//

/** What a Worker has, and what is made for any runtime. */
const ofWeb =
  /^(portcullis(\/(client|fetch|login|mcp|providers|testing))?|vitest|fast-check|jose|oauth4webapi|valibot|zod|node:(crypto|util|timers\/promises|events))$/

/** Paths from the root. */
export interface PackageTests {
  readonly all: readonly string[]
  /** Those that need no module which a Worker has not. */
  readonly web: readonly string[]
}

/**
 * The tests that reach the package by its entries alone, so that they can be held against an installed one, and start no other
 * program. Paths from the root. Does not tell which of them a runtime can run.
 */
export function packageTests(root: string): PackageTests {
  const { together, alone } = sortTestFiles(root)
  const modules = new Map<string, readonly string[]>()

  function importsOf(path: string): readonly string[] {
    const known = modules.get(path)
    if (known !== undefined) return known
    const text = readFileSync(join(root, path), 'utf8')
    const found = [...text.matchAll(imported)].map(([, target = '']) => target)
    modules.set(path, found)
    return found
  }

  function reach(start: string): ReadonlySet<string> {
    const seen = new Set([start])
    for (const path of seen) {
      for (const target of path.startsWith('test/') ? importsOf(path) : []) {
        seen.add(target.startsWith('.') ? joinUrl(path, '..', target).replace(/\.js$/, '.ts') : target)
      }
    }
    return seen
  }

  const reached = [...together, ...alone]
    .filter((path) => rooms.test(path) && !replacesModules.test(readFileSync(join(root, path), 'utf8')))
    .map((path) => ({ path, modules: [...reach(path)] }))
    .filter(({ modules }) => modules.every((one) => one.startsWith('test/') || !ofRepository.test(one)))
  const isOfWeb = (one: string) => one.startsWith('test/') || ofWeb.test(one)
  return {
    all: reached.map(({ path }) => path).sort(),
    web: reached
      .filter(({ modules }) => modules.every(isOfWeb))
      .map(({ path }) => path)
      .sort(),
  }
}
