/** What a runtime does otherwise. The tests of it run all the same and must all fail: what came since must not stay in this list. */
export interface Limit {
  readonly runtimes: readonly string[]
  /** Of each test a part of its title. */
  readonly titles: readonly string[]
  /** For users, in docs/runtimes.md. */
  readonly what: string
  readonly reason: string
}

export const limits: readonly Limit[] = [
  {
    runtimes: ['bun'],
    titles: [
      'reaches an issuer and an API whose certificates come from a private authority',
      'trusts the authorities that it was given, and no other',
      'checks the name in the certificate',
      'sends what the platform sends: requests, forms, buffers, with their headers and signals',
    ],
    what: '`caFetch` of `portcullis/native` trusts no certificate authority of your own',
    reason: 'Bun puts its own `fetch` in the place of `undici`, and passes the authorities over. Requests fail',
  },
  {
    runtimes: ['bun'],
    titles: ['gives the fields a response needs'],
    what: '`Response.json` in a handler of yours adds `charset=utf-8` to the media type',
    reason: 'Bun does so. Answers of the gate are as everywhere',
  },
  {
    runtimes: ['bun'],
    titles: ['is null before anybody asked, and cannot be replaced'],
    what: 'The error of an assignment to `request.auth` in Fastify does not name the property',
    reason: 'JavaScriptCore words it so. The assignment still fails',
  },
  {
    runtimes: ['bun'],
    titles: [
      'over HTTP can be a network error',
      'listens on the port it is given, and refuses connections after close',
    ],
    what: 'The message of a `fetch` that finds no connection is another one',
    reason: 'It is that of the runtime',
  },
  {
    runtimes: ['workerd'],
    titles: [
      'over HTTP can be a',
      'over HTTP can be nothing',
      'over HTTP names where a redirect leads',
      'over HTTP leaves the body alone',
      'over HTTP can pad the body',
      'over HTTP can hang in the middle',
      'over HTTP can send its body a byte at a time',
      'over HTTP stops dripping',
      'over HTTP lasts for as many requests',
      'over HTTP ends when restored',
    ],
    what: 'The issuer of `portcullis/testing` cannot listen; its `fetch` works',
    reason: 'A Worker listens on no port',
  },
  {
    runtimes: ['workerd'],
    titles: ['uses a key without alg for every algorithm of its type', 'makes PS256 proofs that jose accepts'],
    what: '`portcullis/testing` signs nothing with PS256, PS384 or PS512',
    reason: '`sign` of its `node:crypto` makes no such signatures. They are checked by WebCrypto, as everywhere',
  },
  {
    runtimes: ['workerd'],
    titles: ['is there without a wait where it is kept in this process'],
    what: 'A token that is kept for a downstream service takes a few turns of the event loop more',
    reason: 'WebCrypto makes no digest at once',
  },
  {
    runtimes: ['deno'],
    titles: ['trusts the authorities that it was given, and no other'],
    what: 'An error of the global `fetch` does not name why a certificate was refused',
    reason: 'It is that of the runtime. `caFetch` names it',
  },
  {
    runtimes: ['deno', 'workerd'],
    titles: ['ask nothing of the framework, the clock or the platform while they are not heard'],
    what: 'A test cannot count the calls of `crypto.randomUUID`',
    reason: '`node:crypto`, which the test asks itself, passes them on to the global `crypto`',
  },
  {
    runtimes: ['workerd'],
    titles: ['of many megabytes are refused in no time, wherever they come'],
    what: 'A test cannot measure processor time',
    reason: 'There is no `process.cpuUsage`',
  },
]
