/**
 * Opens a page in the user's browser. Without a shell: nothing in a URL can become a command, and nothing cuts it at `&`.
 * Does NOT know whether a page showed: give the URL to the user as well.
 */
import { spawn } from 'node:child_process'

/** The environment that says where a browser is. @group Native login */
export interface BrowserSurroundings {
  /**
   * Usually `process.env`; never read unless given. `BROWSER`, `DISPLAY`, `WAYLAND_DISPLAY`, `SSH_CONNECTION`, `CI` …;
   * `WSL_DISTRO_NAME` and `WSL_INTEROP` tell Windows Subsystem for Linux.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Default: that of this process. */
  readonly platform?: NodeJS.Platform | undefined
  /** Starts a program; resolves to whether it started. Default: `child_process.spawn`, detached, without a shell. */
  readonly start?: ((program: string, args: readonly string[]) => Promise<boolean>) | undefined
}

const remoteSigns = ['SSH_CONNECTION', 'SSH_TTY', 'CI', 'CODESPACES', 'REMOTE_CONTAINERS'] as const

/**
 * Whether a page can be expected to show to the user: not over SSH, in CI or a container of an editor, and on Linux only
 * with a display or under Windows. Without `env` nothing tells, and on Linux the answer is no.
 *
 * @group Native login
 */
export function canOpenBrowser({ env = {}, platform = process.platform }: BrowserSurroundings = {}): boolean {
  if (env['BROWSER']?.trim()) return true
  if (remoteSigns.some((name) => env[name])) return false
  if (platform !== 'linux') return platform === 'darwin' || platform === 'win32'
  return Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']) || isWsl(env)
}

/**
 * Opens `url` with the program of the system, or the one `BROWSER` names (its first entry; `%s` stands for the URL).
 *
 * @returns whether a program could be started. False also for anything but an http or https URL. Never rejects.
 * @group Native login
 */
export async function openBrowser(url: string, surroundings: BrowserSurroundings = {}): Promise<boolean> {
  const { start = startDetached } = surroundings
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (target === undefined || !['http:', 'https:'].includes(target.protocol)) return false
  for (const [program, ...args] of programsFor(target.href, surroundings)) {
    if (await start(program, args)) return true
  }
  return false
}

const openUrl = 'url.dll,FileProtocolHandler'

/** Programs to try in turn, each with its arguments. */
function programsFor(
  href: string,
  { env = {}, platform = process.platform }: BrowserSurroundings,
): readonly (readonly [program: string, ...args: string[]])[] {
  const chosen = chosenProgram(env['BROWSER'], platform)
  if (chosen !== undefined) {
    const [program, ...args] = chosen
    return [[program, ...(args.some(holdsUrl) ? args.map((word) => word.replaceAll('%s', href)) : [...args, href])]]
  }
  // `cmd /c start` would cut the URL at the first `&`.
  if (platform === 'win32') return [[windowsProgram('rundll32.exe', env), openUrl, href]]
  if (platform === 'darwin') return [['open', href]]
  const ofLinux = ['xdg-open', href] as const
  return isWsl(env) ? [['wslview', href], ['/mnt/c/Windows/System32/rundll32.exe', openUrl, href], ofLinux] : [ofLinux]
}

/** A program of Windows by its full path: by its name alone, one in the working folder would run instead. @internal */
export function windowsProgram(name: string, env: Readonly<Record<string, string | undefined>>): string {
  return `${env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\${name}`
}

/** The first entry of `BROWSER`, with words in quotes taken together. */
function chosenProgram(
  browser: string | undefined,
  platform: NodeJS.Platform,
): readonly [string, ...string[]] | undefined {
  const entry = browser?.split(platform === 'win32' ? ';' : ':')[0] ?? ''
  const [program, ...args] = (entry.match(/"[^"]*"|[^\s"]+/g) ?? []).map((word) => word.replaceAll('"', ''))
  return program === undefined ? undefined : [program, ...args]
}

function holdsUrl(word: string): boolean {
  return word.includes('%s')
}

/** What WSL sets for every process of a session; containers on Windows have its kernel, and no way to its browser. */
function isWsl(env: Readonly<Record<string, string | undefined>>): boolean {
  return Boolean(env['WSL_DISTRO_NAME'] || env['WSL_INTEROP'])
}

function startDetached(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, stdio: 'ignore', windowsHide: true })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
