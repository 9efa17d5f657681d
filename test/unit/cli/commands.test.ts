import { expect, it } from 'vitest'
import { commandReference } from '../../docs/command-page.js'

it('[S1-70] docs/command-reference.md says what the table of commands says; `npx vitest run test/unit/cli/commands.test.ts -u` writes it', async () => {
  await expect(commandReference()).toMatchFileSnapshot('../../../docs/command-reference.md')
})
