/* A Worker that checks nothing. */
export default {
  fetch: () => Response.json({ ok: true }),
}
