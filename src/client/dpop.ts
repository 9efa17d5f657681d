import {
  type Configuration,
  type DPoPHandle,
  getDPoPHandle,
  modifyAssertion,
  randomDPoPKeyPair,
  type ServerMetadata,
} from 'openid-client'
import type { DpopKeyPair } from './options.js'
import type { ClientSettings } from './settings.js'

/** The DPoP key of one client, and the nonces the authorization server gave it. */
export interface Dpop {
  /** The handle for requests to the authorization server; `undefined` when DPoP is off. */
  handle(config: Configuration): Promise<DPoPHandle | undefined>
  keyPair(server: ServerMetadata): Promise<DpopKeyPair | undefined>
}

const preferred = ['ES256', 'Ed25519', 'PS256', 'EdDSA', 'RS256'] as const

/** Makes the key at first use, and keeps one handle: it holds the newest nonce per origin (RFC 9449 §8.2). */
export function createDpop({ dpop, clock }: Pick<ClientSettings, 'dpop' | 'clock'>): Dpop {
  let generated: Promise<DpopKeyPair> | undefined
  let handle: DPoPHandle | undefined

  async function keyPair(server: ServerMetadata): Promise<DpopKeyPair | undefined> {
    if (typeof dpop === 'object') return dpop
    if (!dpop) return undefined
    generated ??= randomDPoPKeyPair(chooseAlgorithm(server))
    return generated
  }

  return {
    keyPair,
    async handle(config) {
      if (handle !== undefined) return handle
      const pair = await keyPair(config.serverMetadata())
      if (pair === undefined) return undefined
      handle ??= getDPoPHandle(config, pair, {
        [modifyAssertion]: (_header, payload) => {
          payload['iat'] = Math.floor(clock() / 1000)
        },
      })
      return handle
    },
  }
}

function chooseAlgorithm({ dpop_signing_alg_values_supported: listed }: ServerMetadata): string {
  return preferred.find((name) => listed?.includes(name) ?? true) ?? 'ES256'
}
