import { expect, it } from 'vitest'
import { commandPage } from './command-page.js'
import { read } from './markdown.js'

it('docs/command.md says what the table of commands says: `npx vitest run test/docs/command.test.ts -u` writes it', async () => {
  const [text = ''] = read('docs/command.md').split('## Flags of every command')
  await expect(commandPage(text)).toMatchFileSnapshot('../../docs/command.md')
})
