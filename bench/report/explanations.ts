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
    text: 'Without the check of its signature a new token takes up to 2 µs more than with the limit where neither remembers tokens, and up to 3 µs more where both do, mostly some half a microsecond: what a single-purpose verifier does not do (a request whose repeated fields can be counted, a look-up by issuer, header and key, claims read by a profile, a frozen `auth`). What the tables with the check show beyond that lies within their middle halves, mostly: a check takes 20 to 100 µs, and no two rounds agree on it.',
    measuredBy: 'the tables "without the check of its signature" of [Verifying a token](token-figures.md)',
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
    targets: /64 in flight, .*to the better of jose and the limit/,
    text: 'What can be gained is bounded by what the cores of the machine bring together: two virtual cores that share a physical one make 1.3 to 1.7 times as many checks as one alone, however they are divided. jose hands over all checks, and comes near the same bound; then only the work around the check tells the two apart. What is left to gain over the better of both is the bound of the bare check less what the better of both already gains.',
    measuredBy:
      'the bare checks, all in the thread pool and divided, and the table by conditions, in [Many tokens at once](many-at-once.md)',
  },
  {
    targets: /^(express|fastify|koa), new tokens: to the limit/,
    text: 'Of ten requests that come in one turn of the event loop two are handed to the thread pool, so that they do not wait: where the target is missed, 5 to 12 µs more in other threads than with the limit. In the first thread, on Node 24, the checks of signatures and the handing over take 4 to 7 µs more, the guard besides 4 to 7, collecting garbage up to 2, Node and the framework from 1 less to 5 more, and what the profile does not see up to 4 less. These are 20 of the 26 µs of the difference with Express, and more than the 16 µs with Koa. With Koa on Node 20 the first thread used less than with the limit while the profile was taken, and more in the rounds that count: that is chance, and what is left with Express may be. Five processes of one server differ by a tenth and more.',
    measuredBy:
      'the column "in other threads" and the tables "what the first thread does in a request" of [Whole servers](server-figures.md)',
  },
  {
    targets: /^(express|koa|fastify), one token: to the bare framework/,
    text: 'The limit, inline in the framework, misses it too: 0.83 to 0.86. In the first thread the guard takes 1.5 to 2.5 µs, as the limit does with 1.9 to 2.4. What is left with Koa is mostly the sending of the answer: 10 µs instead of the 4 to 5 of the bare framework, and 7 with the limit; with Fastify on Node 20 1.3 µs more. The bytes of the answer are the same; why they take longer to send after a guard, the profile does not tell.',
    measuredBy:
      'the rows `bare` and `limit`, and the tables "what the first thread does in a request", of [Whole servers](server-figures.md)',
  },
  {
    targets: /^Importing /,
    text: 'Node starts its loader of modules, which the first import of any process pays for, and finds and reads six files; V8 compiles 365 kB. What is left is linking names, and running what modules do at once.',
    measuredBy:
      'the table of parts in [Start](start-figures.md), beside `node -e 0` of the same run, which tells the speed of the machine',
  },
  {
    targets: /tokens, .*: the longest pause/,
    text: 'Mostly the longest pause is a collection of garbage of V8: tokens that are remembered are alive when it copies what is young. Without collections 4 to 9 ms are left, in which the cache moves some 16,000 entries at once at most. How much of them is the machine, with one run each, was not measured.',
    measuredBy: 'the columns of the longest pause, with and without collections, in [Size](size-figures.md)',
  },
  {
    targets: /^(DPoP proof of a known client, to the|Cached token with proof, to its) limit/,
    text: 'Without the check of the signature, a known token with a new proof takes 5 to 8 µs more than with the limit: comparisons in constant time, the URI in its normal form, each segment decoded to the last character, and a note of the request that used the proof up, so that a second guard lets it pass.',
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
    text: 'The two runs differ by one request for keys, which waits beside the others: no request fails, and half of them take as long as in the steady run. What is left is chance: the slowest hundredth are requests that came while the machine did something else, or garbage was collected, and two steady runs differ in them, too.',
    measuredBy: 'the row `steady, once more` of [The slowest requests](tail-figures.md)',
  },
]

export function explanationOf(target: string): Explanation | undefined {
  return explanations.find(({ targets }) => targets.test(target))
}
