import { describe, expect, it } from 'vitest'
import { completionScript } from '../../../src/cli/completion.js'

const words = 'check discover keys preflight login logout status token whoami providers mcp fetch completion'
const common = '--config --json --quiet --timeout --help'
const described = {
  config: 'the configuration; default - PORTCULLIS_CONFIG, ./portcullis.{json,yml}',
  json: 'data as JSON',
  quiet: 'nothing on stderr but warnings and errors',
  timeout: 'for each request, 1 to 60; default 10',
  help: 'this text',
}

/** The lines that are about one command or flag, and the others. */
function parts(script: string, one: RegExp): { entries: readonly string[]; frame: readonly string[] } {
  const lines = script.split('\n')
  return { entries: lines.filter((line) => one.test(line)), frame: lines.filter((line) => !one.test(line)) }
}

describe('what completes in', () => {
  it('bash: commands, what may follow them, and the values of flags', () => {
    const { entries, frame } = parts(completionScript('bash'), /^ {4}[\w-]+\) /)
    expect(frame).toEqual([
      '# portcullis completion bash: source it in ~/.bashrc',
      '_portcullis() {',
      '  local words',
      '  COMPREPLY=()',
      `  case "\${COMP_WORDS[1]}" in`,
      `    *) words="${words} help" ;;`,
      '  esac',
      `  [ "$COMP_CWORD" = 1 ] && words="${words} help"`,
      `  case "\${COMP_WORDS[COMP_CWORD-1]}" in`,
      '  esac',
      `  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
      '}',
      'complete -F _portcullis portcullis',
    ])
    const commands = entries.filter((line) => !line.startsWith('    --'))
    expect(commands.map((line) => line.trim().split(')')[0]).join(' ')).toBe(words)
    expect(entries).toEqual(
      expect.arrayContaining([
        `    keys) words="--jwks-uri ${common}" ;;`,
        `    login) words="--mode --device --manual --no-browser --port --scope --force ${common}" ;;`,
        `    completion) words="bash zsh fish ${common}" ;;`,
        expect.stringMatching(/^ {4}mcp\) words="login --/),
        '    --mode) words="auto loopback device manual" ;;',
        '    --config) compopt -o default 2>/dev/null; return ;;',
        '    --timeout) return ;;',
      ]),
    )
    const flags = entries.filter((line) => line.startsWith('    --')).map((line) => line.trim().split(')')[0])
    expect(new Set(flags).size).toBe(flags.length)
    expect(flags).not.toContain('--json')
  })

  it('zsh: the same, with what each of them does', () => {
    const { entries, frame } = parts(completionScript('zsh'), /^ {4}(?:'|[\w-]+\) _arguments)/)
    expect(frame).toEqual([
      '#compdef portcullis',
      '# portcullis completion zsh: put it into a folder of $fpath as _portcullis, or source it after compinit',
      '_portcullis() {',
      '  local -a names',
      '  names=(',
      '  )',
      '  if (( CURRENT == 2 )); then _describe command names; return; fi',
      '  shift words; (( CURRENT-- ))',
      '  case $words[1] in',
      '    help) (( CURRENT == 2 )) && _describe command names ;;',
      '  esac',
      '}',
      'if [ "$funcstack[1]" = _portcullis ]; then _portcullis "$@"; else compdef _portcullis portcullis; fi',
    ])
    const flags = [
      `'--config[${described.config}]:FILE:_files'`,
      `'--json[${described.json}]'`,
      `'--quiet[${described.quiet}]'`,
      `'--timeout[${described.timeout}]:SECONDS: '`,
      `'--help[${described.help}]'`,
    ].join(' ')
    expect(entries).toEqual(
      expect.arrayContaining([
        "    'check:says why a token is good or not'",
        "    'login:signs you in, in the browser, by a code, or by hand'",
        `    discover) _arguments ${flags} ;;`,
        `    completion) _arguments '1:operand:(bash zsh fish)' ${flags} ;;`,
        expect.stringContaining("'--mode[the way; default auto]:MODE:(auto loopback device manual)'"),
      ]),
    )
    expect(entries).toHaveLength(2 * words.split(' ').length)
  })

  it('fish: the same, and the second word of a command is not taken for another one', () => {
    const { entries, frame } = parts(completionScript('fish'), /^complete -c portcullis -n (?!.*from help)/)
    expect(frame).toEqual([
      '# portcullis completion fish: put it into ~/.config/fish/completions/portcullis.fish',
      'complete -c portcullis -f',
      `complete -c portcullis -n '__fish_seen_subcommand_from help' -a '${words}'`,
    ])
    const following = (command: string) => `complete -c portcullis -n '__fish_seen_subcommand_from ${command}'`
    const login = 'login; and not __fish_seen_subcommand_from mcp'
    expect(entries).toEqual(
      expect.arrayContaining([
        "complete -c portcullis -n __fish_use_subcommand -a check -d 'says why a token is good or not'",
        `${following('check')} -l config -r -F -d '${described.config}'`,
        `${following('check')} -l timeout -x -d '${described.timeout}'`,
        `${following('check')} -l json -d '${described.json}'`,
        `${following(login)} -l mode -x -a 'auto loopback device manual' -d 'the way; default auto'`,
        `${following('mcp')} -a login`,
        ...['bash', 'zsh', 'fish'].map((shell) => `${following('completion')} -a ${shell}`),
      ]),
    )
  })
})
