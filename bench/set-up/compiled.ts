import { dirname } from 'node:path'

/** Where run.mjs put the compiled bench: next to the file this process was started with. */
export const compiled = dirname(process.argv[1] as string)
