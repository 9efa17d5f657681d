/**
 * The arrows of docs/architecture.md. A room may import itself and what its line lists, type imports included; a new
 * room or a new arrow is a change of the architecture, and of that page.
 */
import bundledPackages from './.ci/bundled-packages.json' with { type: 'json' }

const kit = ['src/errors/', 'src/http/', 'src/kit/']
const jws = [...kit, 'src/jws/']
const issuer = [...jws, 'src/issuer/']

/** Room → what it may import besides itself. */
const arrows = {
  errors: [],
  http: ['src/errors/'],
  kit,
  jws: kit,
  issuer: jws,
  auth: jws,
  stores: jws,
  explain: [...issuer, 'src/resource-server/token/token-type.ts'],
  revocation: [...issuer, 'src/stores/'],
  'resource-server': [...issuer, 'src/auth/', 'src/stores/', 'src/explain/', 'src/revocation/'],
  client: [...issuer, 'src/stores/contract.ts'],
  grants: [...issuer, 'src/auth/', 'src/stores/', 'src/client/', 'src/resource-server/'],
  login: [...issuer, 'src/explain/', 'src/stores/', 'src/revocation/', 'src/client/'],
  native: [...issuer, 'src/explain/', 'src/stores/', 'src/client/', 'src/login/'],
  cli: [...issuer, 'src/explain/', 'src/stores/', 'src/client/', 'src/login/', 'src/native/'],
  providers: ['src/resource-server/token/issuer-options.ts', 'src/issuer/endpoint-credential.ts'],
  telemetry: kit,
  inspector: [...issuer, 'src/auth/', 'src/stores/', 'src/explain/', 'src/resource-server/'],
  testing: [...issuer, 'src/index.ts', 'src/client/index.ts'],
}

/**
 * Room of the resource server → its neighbours that it may import. Its root imports all of them and is imported by none:
 * create, gate, options and resource put the rooms together.
 */
const innerArrows = {
  token: [],
  binding: [],
  challenge: [],
  policy: ['binding'],
  metadata: ['binding'],
}

/** The only files of `src` that may use Node's own modules: picked by `imports`, or not part of the core. */
const nodeFiles = [
  '^src/jws/crypto/((aes-gcm|spread-verify)-)?node\\.ts$',
  '^src/kit/fetch/network-node\\.ts$',
  '^src/kit/diagnostics-node\\.ts$',
  '^src/inspector/',
  '^src/testing/',
  '^src/client/credentials/',
  '^src/stores/(file|keyring|sops)/',
  '^src/native/',
  '^src/cli/',
]

const frameworks = [
  'express',
  'fastify',
  '@fastify',
  'koa',
  '@koa',
  'hono',
  '@nestjs',
  '@modelcontextprotocol',
  'routing-controllers',
  'reflect-metadata',
  'ioredis',
  'redis',
]
const publicEntries = '^src/(index|adapter|client/index|login/index|native/index|stores/redis/index)\\.ts$'

const anyOf = (paths) => `^(${paths.map((path) => path.replaceAll('.', '\\.')).join('|')})`

const roomRules = Object.entries(arrows).map(([room, allowed]) => ({
  name: `arrow-${room}`,
  severity: 'error',
  comment: `src/${room} imports only what docs/architecture.md draws an arrow to.`,
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: anyOf([`src/${room}/`, ...allowed]) },
}))

const innerRules = Object.entries(innerArrows).map(([room, allowed]) => ({
  name: `arrow-resource-server-${room}`,
  severity: 'error',
  comment: `src/resource-server/${room} imports only what docs/architecture.md draws an arrow to.`,
  from: { path: `^src/resource-server/${room}/` },
  to: {
    path: '^src/resource-server/',
    pathNot: anyOf([room, ...allowed].map((name) => `src/resource-server/${name}/`)),
  },
}))

export default {
  forbidden: [
    ...roomRules,
    ...innerRules,
    {
      name: 'resource-server-room-without-arrows',
      severity: 'error',
      comment: 'A folder of src/resource-server that docs/architecture.md does not name.',
      from: { path: `^src/resource-server/(?!(${Object.keys(innerArrows).join('|')})/)[^/]+/` },
      to: {},
    },
    {
      name: 'room-without-arrows',
      severity: 'error',
      comment: 'A folder of src that docs/architecture.md does not name.',
      from: { path: `^src/(?!(${Object.keys(arrows).join('|')})/)[^/]+/` },
      to: {},
    },
    {
      name: 'src-never-imports-outwards',
      severity: 'error',
      comment: 'src never imports adapters, tests, examples or bench.',
      from: { path: '^src/' },
      to: { path: '^(adapters|test|examples|bench)/' },
    },
    {
      name: 'testing-stays-apart',
      severity: 'error',
      comment: 'src/testing never ships in a production bundle.',
      from: { path: '^(src|adapters)/', pathNot: '^src/testing/' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'adapters-use-public-entries',
      severity: 'error',
      comment: 'An adapter that needs something private has found a hole in the public API.',
      from: { path: '^adapters/' },
      to: { path: '^src/', pathNot: publicEntries },
    },
    {
      name: 'adapters-stay-apart',
      severity: 'error',
      comment: 'Adapters never import each other.',
      from: { path: '^adapters/([a-z]+)/' },
      to: { path: '^adapters/', pathNot: '^adapters/$1/' },
    },
    {
      name: 'no-cycle',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-node-in-core',
      severity: 'error',
      comment: 'The core runs on every runtime; platform files are chosen by the imports field of package.json.',
      from: { path: '^src/', pathNot: nodeFiles },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-framework-in-core',
      severity: 'error',
      comment: 'src never imports a web framework or a Redis client.',
      from: { path: '^src/' },
      to: { path: `(^|node_modules/)(@types/)?(${frameworks.join('|')})(/|$)` },
    },
    {
      name: 'frameworks-as-types-only',
      severity: 'error',
      comment: 'Frameworks are optional peers; only the NestJS and decorator adapters meet theirs at run time.',
      from: { path: '^adapters/', pathNot: '^adapters/(nest|decorators)/' },
      to: { path: `(^|node_modules/)(@types/)?(${frameworks.join('|')})(/|$)`, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'declared-dependencies-only',
      severity: 'error',
      comment:
        'What the package imports, types included, stands in dependencies or peerDependencies, or in the bundle. The ' +
        'module that types Express comes with @types/express; it is the one place where Express is augmented.',
      from: { path: '^(src|adapters)/' },
      to: {
        pathNot: ['@types/express-serve-static-core/', ...bundledPackages.map((name) => `node_modules/${name}/`)],
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm-peer'],
      },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^#' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      mainFields: ['types', 'module', 'main'],
    },
  },
}
