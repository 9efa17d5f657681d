/** What a machine without Docker can tell of compose.yaml, the Dockerfile and the realm: that they fit together. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'

interface Service {
  readonly image?: string
  readonly build?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

const read = (path: string) => readFileSync(path, 'utf8')
const compose = parse(read('compose.yaml'), { merge: true }) as { services: Readonly<Record<string, Service>> }
const services = Object.entries(compose.services)

test('every service has an image or is built, and publishes ports of its own', () => {
  for (const [name, { image, build }] of services) assert.ok((image === undefined) !== (build === undefined), name)
  const published = services.flatMap(([, { ports = [] }]) => ports.map((port) => port.split(':')[0]))
  assert.equal(new Set(published).size, published.length)
})

test('what a service waits for, mounts and is built from is there', () => {
  for (const [, { depends_on = {}, volumes = [], build }] of services) {
    for (const name of Object.keys(depends_on)) assert.ok(name in compose.services, name)
    for (const volume of volumes) assert.ok(existsSync(String(volume.split(':')[0])), volume)
    if (build !== undefined) assert.ok(existsSync(`${build}/Dockerfile`))
  }
})

test('the API gets every variable it reads, and no other', () => {
  const source = read('src/main.ts')
  const [, names = ''] = /const \{([^}]+)\} = process\.env/.exec(source) ?? []
  const reads = names.split(',').map((name) => name.trim().split(' ')[0])
  for (const instance of ['api', 'api-2']) {
    const given = Object.keys(compose.services[instance]?.environment ?? {})
    assert.deepEqual([...given, 'PORT'].sort(), reads.sort())
  }
})

test('the hosts in variables are services of the network', () => {
  const { ISSUER = '', JWKS_URI = '', REDIS_URL = '', INSECURE_HOSTS } = compose.services['api']?.environment ?? {}
  assert.ok(new URL(REDIS_URL).hostname in compose.services)
  assert.ok(new URL(JWKS_URI).hostname in compose.services)
  assert.equal(new URL(JWKS_URI).host, INSECURE_HOSTS)
  assert.equal(new URL(JWKS_URI).pathname, `${new URL(ISSUER).pathname}/protocol/openid-connect/certs`)
})

test('the realm is the one of the issuer, and Keycloak gets every variable of it', () => {
  const realm = read('keycloak/realm.json')
  const environment = compose.services['keycloak']?.environment ?? {}
  assert.ok(compose.services['api']?.environment?.['ISSUER']?.endsWith(`/realms/${JSON.parse(realm).realm}`))
  for (const [, name = ''] of realm.matchAll(/\$\{(\w+)\}/g)) assert.ok(name in environment, name)
})

test('the Dockerfile copies what is there', () => {
  const copies = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) =>
    from.split(' '),
  )
  assert.deepEqual(copies, ['package.json', 'tsconfig.json', 'src'])
  for (const file of copies) assert.ok(existsSync(file), file)
})
