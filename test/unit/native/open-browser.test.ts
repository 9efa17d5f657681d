import { describe, expect, it } from 'vitest'
import { type BrowserSurroundings, canOpenBrowser, openBrowser } from '../../../src/native/open-browser.js'

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
  const programs: readonly [surroundings: BrowserSurroundings, call: readonly string[]][] = [
    [{ platform: 'linux', isWsl: () => false }, ['xdg-open', url]],
    [{ platform: 'freebsd', isWsl: () => false }, ['xdg-open', url]],
    [{ platform: 'darwin' }, ['open', url]],
    [{ platform: 'win32' }, ['rundll32.exe', 'url.dll,FileProtocolHandler', url]],
    [{ platform: 'linux', isWsl: () => true }, ['wslview', url]],
    [{ env: { BROWSER: 'firefox' } }, ['firefox', url]],
    [{ env: { BROWSER: 'firefox --new-tab %s:chromium' } }, ['firefox', '--new-tab', url]],
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

  it('[S2-07] tries the browser of Windows where the helper of WSL is missing, and tells where nothing starts', async () => {
    const { calls, start } = recording(false)
    expect(await openBrowser(url, { platform: 'linux', isWsl: () => true, start })).toBe(false)
    expect(calls.map(([program]) => program)).toEqual(['wslview', '/mnt/c/Windows/System32/rundll32.exe'])
  })

  it.each(['file:///etc/passwd', 'javascript:alert(1)', 'calc.exe', '-a Calculator', ''])(
    '[S2-07] opens no %s',
    async (target) => {
      const { calls, start } = recording()
      expect(await openBrowser(target, { platform: 'linux', start })).toBe(false)
      expect(calls).toEqual([])
    },
  )

  it('[S2-07] starts a program of its own without a shell, and says whether it could', async () => {
    expect(await openBrowser(url, { env: { BROWSER: `${process.execPath} -e 0 --` } })).toBe(true)
    expect(await openBrowser(url, { env: { BROWSER: '/nowhere/browser' } })).toBe(false)
  })
})

describe('canOpenBrowser', () => {
  const machines: readonly [surroundings: BrowserSurroundings, answer: boolean][] = [
    [{ platform: 'darwin' }, true],
    [{ platform: 'win32' }, true],
    [{ platform: 'linux', isWsl: () => false }, false],
    [{ platform: 'linux', isWsl: () => true }, true],
    [{ platform: 'linux', env: { DISPLAY: ':0' } }, true],
    [{ platform: 'linux', env: { WAYLAND_DISPLAY: 'wayland-0' } }, true],
    [{ platform: 'aix' }, false],
    [{ platform: 'darwin', env: { SSH_CONNECTION: '1 2 3 4' } }, false],
    [{ platform: 'win32', env: { CI: 'true' } }, false],
    [{ platform: 'linux', env: { DISPLAY: ':0', CODESPACES: 'true' } }, false],
    [{ platform: 'linux', env: { DISPLAY: ':0', REMOTE_CONTAINERS: 'true' } }, false],
    [{ platform: 'linux', env: { SSH_CONNECTION: '1', BROWSER: 'firefox' } }, true],
  ]
  it.each(machines)('[S2-10] tells of %j: %s', (surroundings, answer) => {
    expect(canOpenBrowser({ isWsl: () => false, ...surroundings })).toBe(answer)
  })

  it('reads no environment by itself', () => {
    expect(canOpenBrowser({ platform: 'darwin' })).toBe(true)
    expect(typeof canOpenBrowser()).toBe('boolean')
  })
})
