/** Finds and reads the configuration file, in the spellings people write. What it means is `readAuthConfig`'s. */
import { constants, type Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, extname, isAbsolute, join, resolve } from 'node:path'
import { ConfigurationError } from '../errors/index.js'
import { failureCode } from '../kit/failure-code.js'
import { isJsonObject, type JsonObject, ownMember } from '../kit/json.js'
import { checkOptions, object, type Rules, text } from '../kit/options.js'
import {
  type AuthConfig,
  type AuthConfigInput,
  type AuthConfigOptions,
  isSecretReference,
  readAuthConfig,
} from '../login/auth-config.js'
import { createSecretResolvers } from './secret-references.js'

/** Options of {@link loadAuthConfig}. @group Configuration */
export interface LoadAuthConfigOptions extends AuthConfigOptions {
  /** The file. Left out: the first of those below that exists. */
  readonly file?: string | undefined
  /**
   * Usually `process.env`: for `PORTCULLIS_CONFIG`, `XDG_CONFIG_HOME`, `APPDATA`, references `env:NAME`, and the `sops` that
   * opens references `sops://`. Left out: only `sops` has one, that of this process.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Default: that of this process. */
  readonly cwd?: string | undefined
  /** Default: that of this process. */
  readonly platform?: NodeJS.Platform | undefined
}

/** A configuration and where it was found. @group Configuration */
export interface LoadedAuthConfig extends AuthConfig {
  readonly file: string
  /** What should be mended though it works, such as a secret that others can read. No secret is in it. */
  readonly warnings: readonly string[]
}

const rules: Rules<LoadAuthConfigOptions> = { file: text, env: object, cwd: text, platform: text, resolvers: object }
const example = '{"providers":{"corporate":{"issuer":"https://id.example.com","clientId":"my-app"}}}'
const { O_NONBLOCK = 0, O_RDONLY } = constants
const maxFileBytes = 1_048_576
const extensions = ['json', 'yml', 'yaml'] as const

/**
 * Reads the first of these that exists, and no other: `file`, `PORTCULLIS_CONFIG`, `portcullis.json` or `.yml` in the folder,
 * `portcullis/config.json` or `.yml` in `$XDG_CONFIG_HOME` (`~/.config`, on Windows `%APPDATA%`). YAML needs the package
 * `yaml`. A file that others may write, or that belongs to another user than this one or root, is refused. Snake case and the
 * names of endpoints in discovery documents are taken too.
 *
 * @throws {@link ConfigurationError} where there is no file, or as {@link readAuthConfig} does.
 * @group Configuration
 */
export async function loadAuthConfig(options: LoadAuthConfigOptions = {}): Promise<LoadedAuthConfig> {
  checkOptions('loadAuthConfig', options, rules)
  const { env, resolvers } = options
  const file = await findFile(options)
  const { text, mode } = await readJudged(file)
  const document = withOurNames(await parse(text, file))
  const inner = isJsonObject(document['auth']) ? document['auth'] : document
  const known = { ...createSecretResolvers({ env, folder: dirname(file) }), ...resolvers }
  const config = readAuthConfig(inner as unknown as AuthConfigInput, { resolvers: known })
  return Object.freeze({ ...config, file, warnings: Object.freeze(warningsOf(config, mode)) })
}

/** Where a configuration is looked for, in order. @internal */
export function configFiles({
  env = {},
  cwd = process.cwd(),
  platform = process.platform,
}: LoadAuthConfigOptions): readonly string[] {
  const { XDG_CONFIG_HOME: xdg = '', APPDATA: appData } = env
  const home = isAbsolute(xdg) ? xdg : join(homedir(), '.config')
  const folder = platform === 'win32' ? (appData ?? join(homedir(), 'AppData', 'Roaming')) : home
  return [
    ...extensions.map((extension) => join(cwd, `portcullis.${extension}`)),
    ...extensions.map((extension) => join(folder, 'portcullis', `config.${extension}`)),
  ]
}

async function findFile(options: LoadAuthConfigOptions): Promise<string> {
  const { file, env = {}, cwd = process.cwd() } = options
  const named = file ?? (env['PORTCULLIS_CONFIG'] || undefined)
  if (named !== undefined) return resolve(cwd, named)
  const candidates = configFiles(options)
  for (const candidate of candidates) if (await exists(candidate)) return candidate
  throw new ConfigurationError(`There is no configuration. Looked for ${candidates.join(', ')}. As JSON: ${example}`)
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** The text of the file that was judged, even if another one takes its place meanwhile. */
async function readJudged(file: string): Promise<{ readonly text: string; readonly mode: number }> {
  const opened = await open(file, O_RDONLY | O_NONBLOCK).catch((error: unknown) => {
    throw new ConfigurationError(`The configuration ${file} cannot be read (${failureCode(error)}).`)
  })
  try {
    const facts = await opened.stat()
    judgeFile(facts, file)
    return { text: await opened.readFile('utf8'), mode: facts.mode }
  } finally {
    await opened.close()
  }
}

/**
 * The owner and the permissions. Who may write the file chooses the server that secrets and tokens go to. On Windows, which
 * has no such owners and modes, the permissions of the folder are what protects.
 */
function judgeFile(facts: Stats, file: string): void {
  if (!facts.isFile() || facts.size > maxFileBytes) {
    throw new ConfigurationError(`The configuration ${file} is not a file of at most ${maxFileBytes} bytes.`)
  }
  const uid = process.geteuid?.()
  if (uid === undefined) return
  if (facts.uid !== uid && facts.uid !== 0) {
    throw new ConfigurationError(`The configuration belongs to another user: chown ${uid} '${file}'`)
  }
  if ((facts.mode & 0o022) !== 0) {
    throw new ConfigurationError(`Others may write the configuration: chmod go-w '${file}'`)
  }
}

async function parse(text: string, file: string): Promise<JsonObject> {
  const value = extname(file) === '.json' ? parseWith(JSON.parse, text, file) : await parseYaml(text, file)
  if (isJsonObject(value)) return value
  throw new ConfigurationError(`The configuration ${file} is not an object.`)
}

async function parseYaml(text: string, file: string): Promise<unknown> {
  const yaml = await import('yaml').catch(() => {
    throw new ConfigurationError(
      `The configuration ${file} is YAML: install the package yaml beside portcullis, or write JSON.`,
    )
  })
  return parseWith((content) => yaml.parse(content, { maxAliasCount: 0, prettyErrors: false }), text, file)
}

/** The words of a parser quote the text, which may hold a secret. */
function parseWith(parser: (text: string) => unknown, text: string, file: string): unknown {
  try {
    return parser(text)
  } catch {
    throw new ConfigurationError(`The configuration ${file} cannot be parsed.`)
  }
}

/** Names of members in other tools, and ours. Snake case becomes camel case besides. */
const otherNames: Readonly<Record<string, string>> = {
  provider: 'preset',
  extra: 'parameters',
  extra_params: 'parameters',
  use_pkce: 'pkce',
}

/** Names that stand beside the others in the files of other tools, and are endpoints. */
const endpointNames: Readonly<Record<string, string>> = {
  authorize_url: 'authorization',
  authorization_endpoint: 'authorization',
  token_url: 'token',
  token_endpoint: 'token',
  revoke_url: 'revocation',
  revocation_endpoint: 'revocation',
  userinfo_url: 'userinfo',
  userinfo_endpoint: 'userinfo',
  end_session_endpoint: 'endSession',
  device_authorization_endpoint: 'deviceAuthorization',
  jwks_uri: 'jwks',
}

/** The document with our names, all the way down to the sections of providers. Never changes the names of providers. */
function withOurNames(document: JsonObject): JsonObject {
  const top = renamed(document)
  const inner = isJsonObject(top['auth']) ? { auth: withOurNames(top['auth']) } : {}
  const { providers, loopback } = top
  return {
    ...top,
    ...inner,
    ...(isJsonObject(loopback) ? { loopback: renamed(loopback) } : {}),
    ...(isJsonObject(providers) ? { providers: mapMembers(providers, toSection) } : {}),
    ...(Array.isArray(providers) ? { providers: providers.map(toSection) } : {}),
  }
}

function mapMembers(value: JsonObject, map: (member: unknown) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, map(member)]))
}

function toSection(section: unknown): unknown {
  if (!isJsonObject(section)) return section
  const flat = Object.entries(section).filter(([name]) => Object.hasOwn(endpointNames, name))
  const rest = Object.entries(section).filter(([name]) => !Object.hasOwn(endpointNames, name))
  const own = renamed(Object.fromEntries(rest))
  if (flat.length === 0) return own
  const endpoints = Object.fromEntries(flat.map(([name, url]) => [endpointNames[name] as string, url]))
  return { ...own, endpoints: { ...endpoints, ...(own['endpoints'] as object | undefined) } }
}

function renamed(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      (ownMember(otherNames, name) as string | undefined) ??
        name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      member,
    ]),
  )
}

function warningsOf(config: AuthConfig, mode: number): string[] {
  if ((mode & 0o044) === 0) return []
  const open = config.providerNames().filter((name) => {
    const secret = config.provider(name)?.clientSecret
    return secret !== undefined && !isSecretReference(secret)
  })
  return open.map(
    (name) =>
      `providers.${name}.clientSecret stands in a file that others can read: use env:, file:, sops:// or keyring:`,
  )
}
