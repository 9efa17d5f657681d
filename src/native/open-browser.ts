/**
 * Opens a page in the user's browser. Without a shell: nothing in a URL can become a command, and nothing cuts it at `&`.
 * Does NOT know whether a page showed: give the URL to the user as well.
 */
import { spawn } from 'node:child_process'
import { release } from 'node:os'

/** The environment that says where a browser is. @group Native login */
export interface BrowserSurroundings {
  /** Usually `process.env`; never read unless given. `BROWSER`, `DISPLAY`, `WAYLAND_DISPLAY`, `SSH_CONNECTION`, `CI` … */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Default: that of this process. */
  readonly platform?: NodeJS.Platform | undefined
  /** Starts a program; resolves to whether it started. Default: `child_process.spawn`, detached, without a shell. */
  readonly start?: ((program: string, args: readonly string[]) => Promise<boolean>) | undefined
  /** Whether this is Windows Subsystem for Linux. Default: the name of the kernel says so. */
  readonly isWsl?: (() => boolean) | undefined
}

const remoteSigns = ['SSH_CONNECTION', 'SSH_TTY', 'CI', 'CODESPACES', 'REMOTE_CONTAINERS'] as const

/**
 * Whether a page can be expected to show to the user: not over SSH, in CI or a container of an editor, and on Linux only
 * with a display or under Windows. Without `env` nothing tells, and on Linux the answer is no.
 *
 * @group Native login
 */
export function canOpenBrowser({
  env = {},
  platform = process.platform,
  isWsl = readWsl,
}: BrowserSurroundings = {}): boolean {
  if (env['BROWSER']) return true
  if (remoteSigns.some((name) => env[name])) return false
  if (platform !== 'linux') return platform === 'darwin' || platform === 'win32'
  return Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']) || isWsl()
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
  if (target === undefined || !/^https?:$/.test(target.protocol)) return false
  for (const [program, ...args] of programsFor(target.href, surroundings)) {
    if (await start(program as string, args)) return true
  }
  return false
}

/** Programs to try in turn, each with its arguments. */
function programsFor(href: string, { env = {}, platform = process.platform, isWsl = readWsl }: BrowserSurroundings) {
  const chosen =
    env['BROWSER']
      ?.split(':')[0]
      ?.split(' ')
      .filter((word) => word !== '') ?? []
  if (chosen.length > 0) {
    const named = chosen.map((word) => word.replaceAll('%s', href))
    return [chosen.some((word) => word.includes('%s')) ? named : [...named, href]]
  }
  // `cmd /c start` would cut the URL at the first `&`.
  if (platform === 'win32') return [['rundll32.exe', 'url.dll,FileProtocolHandler', href]]
  if (platform === 'darwin') return [['open', href]]
  const hostBrowser = ['/mnt/c/Windows/System32/rundll32.exe', 'url.dll,FileProtocolHandler', href]
  return isWsl() ? [['wslview', href], hostBrowser] : [['xdg-open', href]]
}

/** Microsoft's kernel says so. */
function readWsl(): boolean {
  return /microsoft/i.test(release())
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
