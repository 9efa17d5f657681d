import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type BrowserSurroundings, canOpenBrowser, openBrowser } from '../../../src/native/open-browser.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const url = 'https://id.test/authorize?a=1&b=%22$(touch%20x)%22'

function recording(works = true) {
  const calls: (readonly string[])[] = []
  const start = async (program: string, args: readonly string[]) => {
    calls.push([program, ...args])
    return works
  }
  return { calls, start }
}

describe('openBrowser', () => {
  const rundll32 = 'C:\\Windows\\System32\\rundll32.exe'
  const handler = 'url.dll,FileProtocolHandler'
  const firefox = 'C:\\Program Files\\Mozilla\\firefox.exe'
  const programs: readonly [surroundings: BrowserSurroundings, call: readonly string[]][] = [
    [{ platform: 'linux' }, ['xdg-open', url]],
    [{ platform: 'freebsd' }, ['xdg-open', url]],
    [{ platform: 'darwin' }, ['open', url]],
    [{ platform: 'win32' }, [rundll32, handler, url]],
    [{ platform: 'win32', env: { SystemRoot: 'D:\\Win' } }, ['D:\\Win\\System32\\rundll32.exe', handler, url]],
    [{ platform: 'linux', env: { WSL_DISTRO_NAME: 'Debian' } }, ['wslview', url]],
    [{ platform: 'linux', env: { WSL_INTEROP: '/run/WSL/8_interop' } }, ['wslview', url]],
    [{ platform: 'linux', env: { BROWSER: 'firefox' } }, ['firefox', url]],
    [{ platform: 'linux', env: { BROWSER: 'firefox --new-tab %s:chromium' } }, ['firefox', '--new-tab', url]],
    [
      { platform: 'darwin', env: { BROWSER: '"/Applications/My Browser" --x' } },
      ['/Applications/My Browser', '--x', url],
    ],
    [{ platform: 'win32', env: { BROWSER: `"${firefox}" -url;other.exe` } }, [firefox, '-url', url]],
    [{ platform: 'darwin', env: { BROWSER: ' ' } }, ['open', url]],
  ]
  it.each(programs)(
    '[S2-07] hands the whole URL to one program with %j, as one argument',
    async (surroundings, call) => {
      const { calls, start } = recording()
      expect(await openBrowser(url, { ...surroundings, start })).toBe(true)
      expect(calls).toEqual([call])
    },
  )

  it('[S2-07] names no shell and nothing of the working folder on any system', async () => {
    const shells = /(?:^|[\\/])(?:cmd|powershell|pwsh|wscript|(?:ba|z|fi)?sh)(?:\.exe)?$/i
    for (const platform of ['win32', 'darwin', 'linux'] as const) {
      for (const env of [{}, { WSL_DISTRO_NAME: 'Debian' }]) {
        const { calls, start } = recording(false)
        await openBrowser(url, { platform, env, start })
        for (const [program] of calls) {
          expect(program).not.toMatch(shells)
          if (platform === 'win32') expect(program).toMatch(/^[A-Z]:\\/)
        }
      }
    }
  })

  it('[S2-07] tries the browser of Windows where the helper of WSL is missing, and tells where nothing starts', async () => {
    const { calls, start } = recording(false)
    const env = { WSL_DISTRO_NAME: 'Debian' }
    expect(await openBrowser(url, { platform: 'linux', env, start })).toBe(false)
    expect(calls).toEqual([
      ['wslview', url],
      ['/mnt/c/Windows/System32/rundll32.exe', handler, url],
      ['xdg-open', url],
    ])
  })

  it.each(['file:///etc/passwd', 'xhttps://id.test/', 'javascript:alert(1)', 'calc.exe', '-a Calculator', ''])(
    '[S2-07] opens no %s',
    async (target) => {
      const { calls, start } = recording()
      expect(await openBrowser(target, { platform: 'linux', start })).toBe(false)
      expect(calls).toEqual([])
    },
  )

  it('[S2-07] starts a program of its own without a shell, and says whether it could', async () => {
    const file = join(await temporaryFolder(), 'opened.json')
    // It leads a group of processes, so that it outlives the terminal, and writes to nowhere.
    const script =
      'let ownGroup=true;try{process.kill(-process.pid,0)}catch{ownGroup=false};const to=fs.fstatSync(1);' +
      'const isHeard=to.isFIFO()||to.isSocket();' +
      'fs.writeFileSync(process.argv[1],JSON.stringify([ownGroup,isHeard,...process.argv.slice(2)]))'
    const browser = `"${process.execPath}" -e "${script}" -- "${file}"`
    expect(await openBrowser(url, { env: { BROWSER: browser } })).toBe(true)
    await vi.waitUntil(() => existsSync(file) && readFileSync(file, 'utf8').endsWith(']'), {
      timeout: 60_000,
      interval: 20,
    })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([process.platform !== 'win32', false, url])
    expect(await openBrowser(url, { env: { BROWSER: '/nowhere/browser' } })).toBe(false)
  })
})

describe('canOpenBrowser', () => {
  const machines: readonly [surroundings: BrowserSurroundings, answer: boolean][] = [
    [{ platform: 'darwin' }, true],
    [{ platform: 'win32' }, true],
    [{ platform: 'linux' }, false],
    [{ platform: 'linux', env: { WSL_DISTRO_NAME: 'Debian' } }, true],
    [{ platform: 'linux', env: { WSL_DISTRO_NAME: 'Debian', SSH_CONNECTION: '1' } }, false],
    [{ platform: 'linux', env: { BROWSER: ' ' } }, false],
    [{ platform: 'linux', env: { DISPLAY: ':0' } }, true],
    [{ platform: 'linux', env: { WAYLAND_DISPLAY: 'wayland-0' } }, true],
    [{ platform: 'aix' }, false],
    [{ platform: 'darwin', env: { SSH_CONNECTION: '1 2 3 4' } }, false],
    [{ platform: 'win32', env: { CI: 'true' } }, false],
    [{ platform: 'darwin', env: { SSH_TTY: '/dev/pts/0' } }, false],
    [{ platform: 'linux', env: { DISPLAY: ':0', CODESPACES: 'true' } }, false],
    [{ platform: 'linux', env: { DISPLAY: ':0', REMOTE_CONTAINERS: 'true' } }, false],
    [{ platform: 'linux', env: { SSH_CONNECTION: '1', BROWSER: 'firefox' } }, true],
  ]
  it.each(machines)('[S2-10] tells of %j: %s', (surroundings, answer) => {
    expect(canOpenBrowser(surroundings)).toBe(answer)
  })

  it('reads no environment by itself', () => {
    expect(canOpenBrowser({ platform: 'darwin' })).toBe(true)
    expect(typeof canOpenBrowser()).toBe('boolean')
  })
})
