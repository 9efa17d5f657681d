/* What the first thread of a server does, by the sampling profiler of V8: a look each millisecond. */
import { type Profiler, Session } from 'node:inspector/promises'
import type { Part } from './protocol.js'

type Frame = Profiler.ProfileNode['callFrame']

const session = new Session()
session.connect()

export async function startProfile(): Promise<void> {
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
}

/** Ends the profile, and tells for how many microseconds the thread did what. */
export async function takeProfile(): Promise<Record<Part, number>> {
  const { profile } = await session.post('Profiler.stop')
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const callers = new Map(profile.nodes.flatMap(({ id, children }) => (children ?? []).map((child) => [child, id])))
  const framesOf = (innermost: number): Frame[] => {
    const frames: Frame[] = []
    for (let node = nodes.get(innermost); node !== undefined; node = nodes.get(callers.get(node.id) ?? -1)) {
      frames.push(node.callFrame)
    }
    return frames
  }
  const micros: Record<Part, number> = { signature: 0, guard: 0, writing: 0, garbage: 0, rest: 0 }
  for (const [at, id] of (profile.samples ?? []).entries()) {
    const part = partOf(framesOf(id))
    if (part !== undefined) micros[part] += profile.timeDeltas?.[at] ?? 0
  }
  return micros
}

/** What a sample counts as, by its innermost frames; `undefined` for a thread that waits. */
function partOf(frames: readonly Frame[]): Part | undefined {
  const [innermost] = frames
  if (innermost === undefined || innermost.functionName === '(idle)') return undefined
  if (innermost.functionName === '(garbage collector)') return 'garbage'
  const owner = frames.findIndex(({ url }) => url.startsWith('file:'))
  const below = frames.slice(0, owner < 0 ? frames.length : owner)
  if (below.some(({ url }) => url === 'node:internal/crypto/sig')) return 'signature'
  if (below.some(({ functionName }) => /^write(Utf8|Latin1|Ascii)String$|^writev$|^writeBuffer$/.test(functionName))) {
    return 'writing'
  }
  return isGuard(frames[owner]) ? 'guard' : 'rest'
}

/** Portcullis as it is built, or the limit, which the compiled bench has in a file that its parts share. */
function isGuard(frame: Frame | undefined): boolean {
  const url = frame?.url ?? ''
  return url.includes('/dist/') ? !url.includes('/node_modules/') : url.includes('/.bench/chunk-')
}
