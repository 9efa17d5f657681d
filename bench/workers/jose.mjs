/* A Worker that verifies tokens by jose; its keys are at hand, so that no network takes part. */
import { createLocalJWKSet, jwtVerify } from 'jose'

let keySet

export default {
  async fetch(request, { SETTINGS: { issuer, audience, scope, keys } }) {
    keySet ??= createLocalJWKSet({ keys })
    const token = String(request.headers.get('authorization')).slice('Bearer '.length)
    const { payload } = await jwtVerify(token, keySet, { issuer, audience, typ: 'at+jwt' })
    const isGranted = String(payload.scope).split(' ').includes(scope)
    return Response.json({ ok: isGranted }, { status: isGranted ? 200 : 403 })
  },
}
