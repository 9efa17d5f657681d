import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const programs = { 'dbus-run-session': 'dbus', 'gnome-keyring-daemon': 'gnome-keyring' }

/**
 * Whether a Secret Service can be started here; installs one as root where it is missing. Where it cannot, says loudly
 * which tests did not run; on CI that is an error.
 */
export function hasSecretService(tests: string): boolean {
  if (missing().length === 0 || install()) return true
  const message = `No ${missing().join(' and ')} here, so these tests did NOT run: ${tests}. Install it, or run them as root.`
  if (process.env['CI']) throw new Error(message)
  console.error(`\n!!! ${message}\n`)
  return false
}

function missing(): string[] {
  return Object.entries(programs)
    .filter(([program]) => spawnSync(program, ['--version']).error !== undefined)
    .map(([, name]) => name)
}

function install(): boolean {
  if (process.getuid?.() !== 0) return false
  try {
    execFileSync('/usr/bin/apt-get', ['install', '-y', ...missing()], { stdio: 'ignore', timeout: 50_000 })
  } catch {}
  return missing().length === 0
}

/** A private D-Bus with a gnome-keyring on it. */
export interface SecretService {
  /** What a program needs to find it. */
  readonly env: Readonly<Record<string, string>>
  /** Ends the daemon as its own abort does. It is started again. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** A locked one is one whose password was given before, to another daemon that is gone. */
export async function startSecretService(state: 'unlocked' | 'locked'): Promise<SecretService> {
  const home = mkdtempSync(join(tmpdir(), 'portcullis-keyring-'))
  const env = { PATH: String(process.env['PATH']), HOME: home, XDG_RUNTIME_DIR: home }
  if (state === 'locked') await endOf((await startSession(env, '--unlock')).child)
  const { child, address } = await startSession(env, state === 'unlocked' ? '--unlock' : '--start')
  return {
    env: { ...env, DBUS_SESSION_BUS_ADDRESS: address },
    async crash() {
      process.kill(Number(await readFile(join(home, 'daemon'), 'utf8')), 'SIGTRAP')
    },
    async stop() {
      await endOf(child)
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** The bus of a desktop would start a keyring of its own, a locked one, as soon as there is none. */
function busWithoutActivation(): string {
  const desktop = readFileSync('/usr/share/dbus-1/session.conf', 'utf8')
  return desktop.replace('<standard_session_servicedirs />', '')
}

/** A daemon that ends is started again, as a desktop does: gnome-keyring aborts now and then (see `keyring.ts`). */
async function startSession(env: Readonly<Record<string, string>> & { readonly HOME: string }, flag: string) {
  const script = `
    keep() {
      trap 'kill $daemon; exit' TERM
      while :; do
        printf password >"$HOME/password"
        gnome-keyring-daemon --foreground ${flag} --components=secrets <"$HOME/password" >/dev/null 2>&1 & daemon=$!
        echo $daemon >"$HOME/daemon"
        wait $daemon
      done
    }
    keep & keeper=$!
    until dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / \\
      org.freedesktop.DBus.GetConnectionUnixProcessID string:org.freedesktop.secrets >/dev/null
    do sleep 0.05; done
    echo "$DBUS_SESSION_BUS_ADDRESS"
    cat
    kill $keeper; wait $keeper`
  const config = join(env.HOME, 'bus.conf')
  writeFileSync(config, busWithoutActivation())
  const child = spawn('dbus-run-session', ['--config-file', config, '--', 'sh', '-c', script], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const [address] = await once(child.stdout, 'data')
  return { child, address: String(address).trim() }
}

/** The session ends with the program it was started for, which ends the daemon first. */
async function endOf(child: ChildProcess): Promise<void> {
  child.stdin?.end()
  if (child.exitCode === null) await once(child, 'exit')
}
