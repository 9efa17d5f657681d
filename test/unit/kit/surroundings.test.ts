import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import { systemClock } from '../../../src/kit/clock.js'
import { platformFetch } from '../../../src/kit/fetch/platform-fetch.js'
import { checkOptions } from '../../../src/kit/options.js'
import { surroundingsRules, toSurroundings } from '../../../src/kit/surroundings.js'

function insecureHostsOf(dangerouslyAllowInsecureHosts: readonly string[]) {
  checkOptions('It', { dangerouslyAllowInsecureHosts }, surroundingsRules)
  return toSurroundings({ dangerouslyAllowInsecureHosts }).insecureHosts
}

describe('toSurroundings', () => {
  it.each([
    ['keycloak:8080', 'keycloak:8080'],
    ['Keycloak:80', 'keycloak'],
    ['id.internal', 'id.internal'],
    ['10.0.0.5:8080', '10.0.0.5:8080'],
    ['[fd00::5]:8080', '[fd00::5]:8080'],
  ])('[REAL-41] reads %s as %s', (given, host) => {
    expect(insecureHostsOf([given])).toEqual(new Set([host]))
  })

  it.each([
    'http://keycloak:8080',
    'keycloak:8080/',
    'user@keycloak',
    '*',
    '*.internal',
    'keycloak:99999',
    'a b',
    '[x',
  ])('[REAL-41] refuses %s', (given) => {
    expect(() => insecureHostsOf([given])).toThrow(ConfigurationError)
  })

  it.each(['keycloak', [], [8080], ['keycloak', 'http://x'], { length: 1, every: () => true }, null])(
    '[REAL-41] refuses the hosts %j, and says what they look like',
    (hosts) => {
      const read = () => insecureHostsOf(hosts as never)
      expect(read).toThrow(ConfigurationError)
      expect(read).toThrow("array of hosts such as 'keycloak:8080'")
    },
  )

  it('reaches no host over http, through the fetch and by the clock of the platform, unless told otherwise', () => {
    expect(toSurroundings({})).toMatchObject({ fetch: platformFetch, clock: systemClock, insecureHosts: false })
    const own = { fetch: async () => new Response(), clock: () => 0 }
    expect(toSurroundings({ ...own, allowInsecureLoopback: true })).toMatchObject({ ...own, insecureHosts: true })
  })
})
