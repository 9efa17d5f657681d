/** What a missed target is made of, and which measurement shows it. */
interface Explanation {
  /** The targets it speaks of. */
  readonly targets: RegExp
  readonly text: string
  /** A command of this repository, or a table of the report. */
  readonly measuredBy: string
}

export const explanations: readonly Explanation[] = [
  {
    targets: /^New \w+ token, .*to the limit/,
    text: 'Checking an RSA signature takes three quarters of the time of a new token. Beyond the limit comes work that a single-purpose verifier does not do: a request whose repeated fields can be counted, a look-up by issuer, header and key, claims read by a profile, a frozen `auth`. It is spread over some forty functions; the largest are `JSON.parse`, which the limit has too, and the hash of the token.',
    measuredBy:
      'the tables of [Verifying a token](token-figures.md): the difference to the limit is the same for every algorithm',
  },
  {
    targets: /^New \w+ token, to fast-jwt/,
    text: 'fast-jwt with a fixed key checks less: it has no scopes, no binding, no refusal with a challenge, and cannot rotate its key. With a function for the key, as a key set needs it, it is the slowest of all.',
    measuredBy: 'the rows `fast-jwt` and `fast-jwt, key function` of [Verifying a token](token-figures.md)',
  },
  {
    targets: /^New RS256 token, to jose/,
    text: 'jose hands each check to the thread pool and waits. Its figure is the time of that round trip, which changes with the machine far more than the check does.',
    measuredBy: 'the rows "one in flight" of the bare check in [Many tokens at once](many-at-once.md)',
  },
  {
    targets: /^Repeated token, to fast-jwt/,
    text: 'Both hash the token, which is about half of what Portcullis does then. Only a cache that keeps raw tokens as its keys could do without the hash, and this one keeps none.',
    measuredBy: 'the row `limit` beside `portcullis` in [Verifying a token](token-figures.md)',
  },
  {
    targets: /in flight, .*to the better of jose and the limit/,
    text: 'What can be gained is bounded by what the cores of the machine bring together: two virtual cores that share a physical one make 1.3 to 1.7 times as many checks as one alone. jose hands over all checks, and comes to the same bound where they are long, as those on curves are; then only the work around the check tells the two apart.',
    measuredBy:
      'the bare check in the thread pool, and the table by conditions, in [Many tokens at once](many-at-once.md)',
  },
  {
    targets: /^(express|fastify|koa), new tokens: to the limit/,
    text: 'Where HTTP is handled between two tokens, the same difference to the limit costs more than alone: more code runs for a request than the processor keeps at hand, and functions of Node and of the framework take longer beside it, too.',
    measuredBy:
      'the row `portcullis` here, against its difference to the limit in [Verifying a token](token-figures.md)',
  },
  {
    targets: /^(express|koa|fastify), one token: to the bare framework/,
    text: 'The limit, inline in the framework, comes hardly closer to the bare framework: the larger part of the difference is the middleware layer itself.',
    measuredBy: 'the rows `bare` and `limit` of [Whole servers](server-figures.md)',
  },
  {
    targets: /^Importing /,
    text: 'Loading counts, not running: what the modules do while they load takes a tenth of the time or less. The rest is finding, reading and compiling ten files, `node:crypto`, and `ipaddr.js`. The last is CommonJS, so that it brings the second loader of Node with it, and makes about a fifth of the whole.',
    measuredBy:
      'the table of [Start](start-figures.md), beside `node -e 0` of the same run, which tells the speed of the machine, and the rows of what is loaded from elsewhere',
  },
  {
    targets: /tokens, a cache for all of them: the longest pause/,
    text: 'The cache itself moves some 16,000 entries at once at most. A pause as long as the longest collection of garbage is one: young tokens that all stay alive are copied then.',
    measuredBy: 'the column of the longest collection in [Size](size-figures.md)',
  },
]

export function explanationOf(target: string): Explanation | undefined {
  return explanations.find(({ targets }) => targets.test(target))
}
