import { describe, expect, it } from 'vitest'
import { InternalError } from '../../../../src/errors/index.js'
import { detailsGrant } from '../../../../src/resource-server/policy/access-rules.js'
import type { AuthorizationDetail } from '../../../../src/resource-server/policy/requirement.js'

const resource = 'https://api.example.com'
const payment = { type: 'payment', locations: [resource], actions: ['initiate'], amount: '10' }
const any = () => true

const grants = (details: unknown, rule: Record<string, (detail: AuthorizationDetail) => boolean>) =>
  detailsGrant({ authorization_details: details }, Object.entries(rule), resource)

describe('detailsGrant', () => {
  it('[RAR-03] asks the function of the application, which sees the whole detail', () => {
    const seen: AuthorizationDetail[] = []
    const grantsIt = grants([payment], { payment: (detail) => seen.push(detail) > 0 })
    expect(grantsIt).toBe(true)
    expect(seen).toEqual([payment])
    expect(grants([payment], { payment: ({ amount }) => amount === '11' })).toBe(false)
  })

  it('[RAR-03] compares types exactly', () => {
    for (const type of ['Payment', 'payment ', 'pay', 'payment2', '']) {
      expect(grants([{ ...payment, type }], { payment: any }), type).toBe(false)
    }
  })

  it('[RAR-02] lets a detail of an unknown type grant nothing, and do no harm', () => {
    expect(grants([{ type: 'other', locations: [resource] }], { payment: any })).toBe(false)
    expect(grants([{ type: 'other' }, payment], { payment: any })).toBe(true)
    expect(grants([], { payment: any })).toBe(false)
    expect(detailsGrant({}, Object.entries({ payment: any }), resource)).toBe(false)
  })

  it('[RAR-03] wants every type the rule names, each from one detail that suffices', () => {
    const details = [{ type: 'payment', amount: '1' }, payment, { type: 'account' }]
    expect(grants(details, { payment: ({ amount }) => amount === '10', account: any })).toBe(true)
    expect(grants(details, { payment: any, account: () => false })).toBe(false)
  })

  it('[RAR-04] wants this resource among the locations where there are any', () => {
    expect(grants([{ type: 'payment' }], { payment: any })).toBe(true)
    for (const locations of [['https://other.test'], [`${resource}/`], [], resource, [1], null, {}]) {
      expect(grants([{ ...payment, locations }], { payment: any }), JSON.stringify(locations)).toBe(false)
    }
  })

  it('[REAL-26] takes nothing but true for a yes, and a promise for a mistake of the application', () => {
    for (const answer of [1, 'yes', {}, undefined]) {
      expect(grants([payment], { payment: () => answer as boolean })).toBe(false)
    }
    const promised = { payment: () => Promise.resolve(true) as unknown as boolean }
    expect(() => grants([payment], promised)).toThrow(InternalError)
  })
})
