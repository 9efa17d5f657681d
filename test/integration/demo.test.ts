import { describe, expect, it, vi } from 'vitest'
import { openApi, scopes } from '../../examples/demo/api.js'
import { createReport, type Report } from '../../examples/demo/report.js'
import { elsewhere, runSteps } from '../../examples/demo/steps.js'
import { startAuthorizationServer } from '../support/authorization-server.js'

/** A report that keeps what the real one would print. */
function recordingReport(): Report & { readonly failures: readonly unknown[]; readonly lines: readonly string[] } {
  const failures: unknown[] = []
  const lines: string[] = []
  return {
    failures,
    lines,
    failed: false,
    line: (text = '') => void lines.push(text),
    async step(title, run) {
      lines.push(title)
      await run().then(
        (details) => lines.push(...details),
        (error) => failures.push(error),
      )
    },
  }
}

describe('the demo', () => {
  it('takes every step as it says', async () => {
    const api = await openApi()
    await using authorizationServer = await startAuthorizationServer({
      resources: {
        ...api.definitions,
        [elsewhere]: { scopes: [scopes.profile] },
      },
    })
    api.trust(authorizationServer.issuer)
    const report = recordingReport()
    await runSteps(report, api, authorizationServer)
    await api.close()
    expect(report.failures).toEqual([])
    const printed = report.lines.join('\n')
    expect(printed).toMatch(/insufficient_scope, scope="reports:write"[\s\S]* requests, 0 failed/)
    expect(printed).toMatch(/with another certificate → 401 invalid_token[\s\S]*"x5t#S256":"A4DtL2JmUMhAsvJj5tKyn64S/)
    expect(printed).toMatch(/→ 401 invalid_dpop_proof: [\s\S]*GET \/vault\/secret with \S+ → 200/)
    expect(printed).toMatch(/insufficient_user_authentication, acr_values="urn:example:mfa", max_age="300"/)
    expect(printed).toMatch(/"of":"alice","act":{"sub":"gateway"}[\s\S]*GET \/calendar\/events → 401 invalid_token/)
  })

  it('reports a step that fails as failed', async () => {
    const print = vi.spyOn(console, 'log').mockReturnValue()
    const report = createReport()
    await report.step('A step that is as said', async () => [])
    expect(report.failed).toBe(false)
    await report.step('A step that is not', async () => {
      throw new Error('unlike what it says')
    })
    expect(report.failed).toBe(true)
    expect(print.mock.calls.flat().join('\n')).toMatch(/1\..*as said[\s\S]*2\..*is not[\s\S]*unlike what it says/)
    print.mockRestore()
  })
})
