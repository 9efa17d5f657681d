import { describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { read } from './markdown.js'

const page = read('docs/versioning.md')
const peers: Readonly<Record<string, string>> = packageJson.peerDependencies

describe('docs/versioning.md', () => {
  it.each([
    ['Express', 'express'],
    ['Fastify', 'fastify'],
    ['Koa', 'koa'],
    ['NestJS', '@nestjs/core'],
    ['ioredis', 'ioredis'],
    ['redis', 'redis'],
    ['OpenTelemetry API', '@opentelemetry/api'],
  ])('supports the versions of %s that the package accepts', (shown, name) => {
    const range = peers[name]?.replaceAll('|', '\\|')
    expect(page).toContain(`| ${shown} | \`${range}\` |`)
  })

  it('names the oldest Node that the package accepts', () => {
    expect(packageJson.engines.node).toBe('>=20.19.0')
    expect(page).toContain('| Node | 20.19 and later, 22, 24 |')
  })

  it('leads to the private way to report, in the days that SECURITY.md promises', () => {
    expect(page).toContain('](../SECURITY.md)')
    const days = 'within five working days'
    expect([page, read('SECURITY.md')].map((text) => text.replace(/\s+/g, ' ').includes(days))).toEqual([true, true])
  })
})
