import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** The packages whose releases the contract runs against, by the name it gives the framework. In order of the columns. */
const packages: Readonly<Record<string, string>> = {
  'Express 5': 'express',
  'Express 4': 'express4',
  'Fastify 5': 'fastify',
  'Koa 3': 'koa',
  'Koa 2': 'koa2',
  Fetch: '@hono/node-server',
  'Hono 4': 'hono',
  'NestJS 11 on Express': '@nestjs/core',
  'NestJS 11 on Fastify': '@nestjs/core',
  'MCP on Express 5': 'express',
  'MCP on Fastify 5': 'fastify',
  'MCP on Koa 3': 'koa',
  'MCP on Fetch': '@hono/node-server',
}

const modules = resolve(import.meta.dirname, '../../node_modules')

/** The release of each of these frameworks that is installed here, in order. */
export function installedVersions(frameworks: ReadonlySet<string>): Readonly<Record<string, string>> {
  const unknown = [...frameworks].filter((framework) => !(framework in packages))
  if (unknown.length > 0) throw new Error(`test/conformance/frameworks.ts knows nothing of ${unknown.join(', ')}`)
  const versionOf = (name: string) => JSON.parse(readFileSync(resolve(modules, name, 'package.json'), 'utf8')).version
  const present = Object.entries(packages).filter(([framework]) => frameworks.has(framework))
  return Object.fromEntries(present.map(([framework, name]) => [framework, versionOf(name)]))
}
