/* A Worker behind the gate; its keys are at hand, so that no network takes part. */
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/fetch'

let guard

function createGuard({ issuer, audience, scope, keys }) {
  const server = createResourceServer({ resource: audience, issuer: { issuer, keys } })
  return portcullis(server).requireToken({ scope })
}

export default {
  async fetch(request, { SETTINGS }) {
    guard ??= createGuard(SETTINGS)
    const judged = await guard(request)
    return judged.ok ? Response.json({ ok: true }) : judged.response
  },
}
