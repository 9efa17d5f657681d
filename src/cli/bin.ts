#!/usr/bin/env node
/** The `portcullis` command as a process: the one place of `src` that reads the environment. */
/* v8 ignore file -- runs as a process of its own, in test/package/command.test.ts */
import { systemClock } from '../kit/clock.js'
import { platformFetch } from '../kit/fetch/platform-fetch.js'
import { runCommand } from './run.js'

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
process.once('SIGTERM', () => interrupted.abort())

// A reader that has seen enough, such as `head`, is not a fault. A full disk is one.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit()
  process.stderr.write(`portcullis: the output cannot be written (${code})\n`)
  process.exit(2)
})
process.stderr.on('error', () => {})

// The timers of time limits keep no process alive: without this it would end before a limit it waits for.
const alive = setInterval(() => {}, 60_000)

process.exitCode = await runCommand(process.argv.slice(2), {
  // biome-ignore lint/style/noProcessEnv: the command is what a person runs; its environment is part of how they call it.
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  platform: process.platform,
  fetch: platformFetch,
  clock: systemClock,
  signal: interrupted.signal,
})

clearInterval(alive)

// What was interrupted may still wait for a server.
if (interrupted.signal.aborted) process.exit()
