import express, { type Express } from 'express'
import type { ResourceServer } from 'portcullis'
import { nodeRequestFacts, sendNodeAnswer } from 'portcullis/adapter'

interface LogoutWorld {
  readonly orders: { readonly app: Express }
  serverOf(options: { readonly logoutAudience: string }): ResourceServer
}

/** A resource server that hears of the logouts of one client. Keeps the logout tokens. */
export function listenForLogouts({ orders, serverOf }: LogoutWorld, client: 'web' | 'shop') {
  const server = serverOf({ logoutAudience: client })
  const received: string[] = []
  const form = express.urlencoded({ extended: false })
  orders.app.post(`/${client}-logout`, form, async (req, res) => {
    received.push(req.body.logout_token)
    sendNodeAnswer(res, await server.backchannelLogout(nodeRequestFacts(req)))
  })
  return { server, received }
}
