import { EventEmitter } from 'node:events'
import { afterAll, expect, it, vi } from 'vitest'
import { userMachine } from '../../support/signed-in-command.js'

/** What Node does in a process that may open no further file: a child without pipes, which fails in the next tick. */
vi.mock('node:child_process', async (original) => ({
  ...(await original<object>()),
  spawn() {
    const child = new EventEmitter()
    process.nextTick(() => child.emit('error', Object.assign(new Error('spawn EMFILE'), { code: 'EMFILE' })))
    return child
  },
}))

const machine = userMachine()
afterAll(() => machine.close())

it('says that nothing copies where no file is left for the stdin of a program', async () => {
  await machine.signIn()
  expect(await machine.run(['token', '--copy'])).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: 'portcullis: there is no program here that copies: wl-copy, xclip, xsel, pbcopy or clip.exe\n',
  })
})
