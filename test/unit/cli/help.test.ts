import { describe, expect, it } from 'vitest'
import { type Command, commands, findCommand } from '../../../src/cli/commands.js'
import { commandHelp, generalHelp, usage } from '../../../src/cli/help.js'

const commonFlags = `  --config FILE      the configuration; default: PORTCULLIS_CONFIG,
                     ./portcullis.{json,yml}
  --json             data as JSON
  --quiet            nothing on stderr but warnings and errors
  --timeout SECONDS  for each request, 1 to 60; default 10
  --help             this text`

describe('the help', () => {
  it('of portcullis names every command, and what holds for all', () => {
    const rows = commands.map(({ name, summary }) => `  ${name.padEnd(10)}  ${summary}`)
    expect(generalHelp()).toBe(`portcullis: why is this token refused, what does this server publish, who am I?

Usage: portcullis <command> [operand] [flags]

Commands
${rows.join('\n')}

Flags of every command
${commonFlags}

portcullis <command> --help shows examples. Data goes to stdout, words to stderr.
Exit codes: 0 yes or done, 1 no, 2 could not be told. NO_COLOR is honoured.`)
  })

  it('of a command shows how to call it, with examples and exit codes', () => {
    expect(commandHelp(findCommand('keys') as Command)).toBe(`portcullis keys: ${findCommand('keys')?.summary}

Usage: portcullis keys URL [flags]

  URL  the issuer identifier, or with --jwks-uri the key set

Flags
  --jwks-uri         URL is that of the key set itself
${commonFlags}

Examples
  # found by discovery
  portcullis keys https://id.example.com/realms/main
  # the set itself
  portcullis keys --jwks-uri https://id.example.com/jwks --json

Exit codes
  0  at least one key can verify
  1  none can
  2  could not be told: network, configuration, usage`)
  })

  it('puts what a long flag does below it', () => {
    const { length } = '  --mode auto|loopback|device|manual'
    expect(length).toBeGreaterThan(28)
    expect(commandHelp(findCommand('login') as Command)).toContain(`
Flags
  --mode auto|loopback|device|manual
                            the way; default auto
  --device                  short for --mode device
  --manual                  short for --mode manual: paste the address that the
                            browser was sent to
`)
  })

  it('has no line for an operand where there is none', () => {
    expect(commandHelp(findCommand('providers') as Command)).toContain('Usage: portcullis providers [flags]\n\nFlags\n')
  })

  it.each([
    ['check', 'portcullis check [TOKEN] [flags]'],
    ['discover', 'portcullis discover URL [flags]'],
    ['completion', 'portcullis completion bash|zsh|fish [flags]'],
    ['providers', 'portcullis providers [flags]'],
  ])('shows the usage of %s', (name, line) => {
    expect(usage(findCommand(name) as Command)).toBe(line)
  })
})
