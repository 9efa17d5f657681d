import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import bench from '../../bench/package.json' with { type: 'json' }
import packageJson from '../../package.json' with { type: 'json' }
import { read, root } from './markdown.js'

const page = read('docs/comparison.md')

describe('docs/comparison.md', () => {
  it.each([
    ['express-oauth2-jwt-bearer', bench.dependencies['express-oauth2-jwt-bearer']],
    ['@fastify/jwt', bench.dependencies['@fastify/jwt']],
    ['get-jwks', bench.dependencies['get-jwks']],
    ['jose', bench.dependencies.jose],
    ['express-openid-connect', bench.dependencies['express-openid-connect']],
    ['MCP SDK', packageJson.devDependencies['@modelcontextprotocol/sdk'].replace('^', '')],
  ])('was read in the version of %s that is installed here: with another one, read again', (name, version) => {
    expect(page).toContain(`${name} ${version}`)
  })

  it('names a test that is there for each thing that Portcullis does', () => {
    const files = [...page.matchAll(/`(test\/[\w./-]+\.ts)`/g)].map(([, file = '']) => file)
    expect(files.length).toBeGreaterThan(12)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})
