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
    text: 'Without the check of its signature a new token takes 0.3 to 1.1 µs more than with the limit where neither remembers tokens, and 0.3 to 1.2 µs more where both do: what a single-purpose verifier does not do (a request whose repeated fields can be counted, a look-up by issuer, header and key, claims read by a profile, a frozen `auth`). What the tables with the check show beyond that cannot be told from chance: a check takes 25 to 180 µs, no two rounds agree on it, and the middle halves overlap.',
    measuredBy: 'the tables "without the check of its signature" of [Verifying a token](token-figures.md)',
  },
  {
    targets: /^New \w+ token, to fast-jwt/,
    text: 'fast-jwt with a fixed key checks less: it has no scopes, no binding, no refusal with a challenge, and cannot rotate its key. With a function for the key, as a key set needs it, it takes 1.2 to 6 times as long.',
    measuredBy: 'the rows `fast-jwt` and `fast-jwt, key function` of [Verifying a token](token-figures.md)',
  },
  {
    targets: /^New RS256 token, to jose/,
    text: 'jose hands each check to the thread pool and waits. Its figure is the time of that round trip, which changes with the machine far more than the check does.',
    measuredBy: 'the rows "one in flight" of the bare check in [Many tokens at once](many-at-once.md)',
  },
  {
    targets: /^Repeated token, to fast-jwt/,
    text: 'Both hash the token, which is half of what Portcullis does then, in instructions. Only a cache that keeps raw tokens as its keys could do without the hash, and this one keeps none.',
    measuredBy:
      '`npm run instructions -- --parts repeated`, beside the row `limit` in [Verifying a token](token-figures.md)',
  },
  {
    targets: /64 in flight, .*to the better of jose and the limit/,
    text: 'What can be gained is bounded by what the cores of the machine bring together. Here two virtual cores make 1.1 to 1.3 times as many bare RSA checks as one alone, and 1.4 to 1.7 times as many of curves, however they are divided. So with RSA the target is near the bound. jose hands over all checks, and comes near the bound with curves: what Portcullis can gain over it is the work around the check, which is a small part there. PS256 and ES256 reach the target in six of their eight figures.',
    measuredBy:
      'the bare checks, all in the thread pool and divided, and the table by conditions, in [Many tokens at once](many-at-once.md)',
  },
  {
    targets: /^(express|fastify|koa), new tokens: to the limit/,
    text: 'What the first thread does in a request: the guard besides the check takes 3 to 8 µs more than the limit, of 75 to 110; with Express on Node 20, where everything takes longer, 15 of 240; with Koa there, nothing more. Ten connections bring too few checks at once for the thread pool, so that the first thread makes them all. The rest is the check itself, 3 µs less to 5 more than with the limit, and Node and the framework, 8 less to 12 more: nothing of Portcullis runs in them, and processes of one server differ by a tenth and more.',
    measuredBy: 'the tables "what the first thread does in a request" of [Whole servers](server-figures.md)',
  },
  {
    targets: /^(express|koa|fastify), one token: to the bare framework/,
    text: 'The limit, inline in the framework, takes most of what is allowed, or more: it reaches 0.81 to 0.93 of the bare framework. A tenth of a request to the bare framework is 2.5 to 3.3 µs, where the target is missed. In the first thread the guard takes 3.4 to 5.1 µs there, the limit 3.1 to 3.9; in a loop, with no request around it, the guard takes 1.5. Writing the answer takes up to 1.2 µs more than in the bare framework, Node and the framework themselves 1 to 5 µs more, with nothing of Portcullis in it.',
    measuredBy:
      'the rows `bare` and `limit`, and the tables "what the first thread does in a request", of [Whole servers](server-figures.md); the row `portcullis` of "The same token again" in [Verifying a token](token-figures.md)',
  },
  {
    targets: /^Importing /,
    text: 'Behind a framework two parts are most of it: V8 compiles 369 kB, which takes 10 to 15 ms, and Node finds, reads and links six files, which takes 6 to 7. Alone, without a framework, an import also pays for the start of the loader of modules, and for `node:crypto`.',
    measuredBy:
      'the table of parts in [Start](start-figures.md), beside `node -e 0` of the same run, which tells the speed of the machine',
  },
  {
    targets: /tokens, .*: the longest pause/,
    text: 'Some pauses are those of the machine: a loop that checks signatures with `node:crypto` alone, and remembers nothing, has some of up to 32 ms, 13 over 5 ms on Node 20 and 2 on Node 24; Portcullis without a cache has 8 and 4. With a cache there are 27 to 56 in a million: tokens that are remembered are alive when V8 copies what is young, and the cache moves some 16,000 entries at once at most. The two were not told apart. A further pass on Node 24 with `--trace-gc` and a cache for all took 34 ms at most, in a collection of a heap of 640 MB; the pause of 305 ms in the table did not come again.',
    measuredBy: 'the rows without a cache, and the column "over 5 ms", in [Size](size-figures.md)',
  },
  {
    targets: /^(DPoP proof of a known client, to the|Cached token with proof, to its) limit/,
    text: 'Without the check of the signature, a known token with a new proof takes 2 to 3 µs more than with the limit: comparisons in constant time, the URI in its normal form, each segment decoded to the last character, and a note of the request that used the proof up, so that a second guard lets it pass.',
    measuredBy:
      'the table "the same without the check of the signature" of [Tokens with DPoP proofs](proof-figures.md)',
  },
  {
    targets: /^portcullis check without network/,
    text: 'Most of it is the start of Node, and importing the part that checks tokens, which is `portcullis` itself: both have rows of their own. jwt-cli, which decodes the token and checks nothing, takes three quarters of the time.',
    measuredBy:
      'the rows `node -e 0` and `jwt-cli`, and the row `portcullis` of the import times, in [Start](start-figures.md)',
  },
  {
    targets: /^koa, a session: .* on fastify/,
    text: 'It compares frameworks, too: a request to the bare Koa takes nearly as long as one to Fastify with its session, or most of that time.',
    measuredBy: 'the row `bare` of Koa, beside the row of the peer, in [Pages behind a session](session-figures.md)',
  },
  {
    targets: /^(fastify, a session: .*oauth2$|express, new tokens: to jose)/,
    text: 'Both took the same time, as far as this run can tell: the middle half of each holds the median of the other, or nearly so.',
    measuredBy:
      'the rows of both in [Pages behind a session](session-figures.md) and [Whole servers](server-figures.md), with their middle halves',
  },
  {
    targets: /^p99 with keys due/,
    text: 'The two runs differ by one request for keys, which waits beside the others: no request fails, and half of them take as long as in the steady run. What is left cannot be told from chance: the slowest hundredth are requests that came while the machine did something else, or garbage was collected, and two steady runs differ in them, too.',
    measuredBy: 'the row `steady, once more` of [The slowest requests](tail-figures.md)',
  },
]

export function explanationOf(target: string): Explanation | undefined {
  return explanations.find(({ targets }) => targets.test(target))
}
