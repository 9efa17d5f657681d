/*
 * What the instructions of a request are made of: reads the trace that step.c wrote, each instruction with its stack pointer,
 * and gives it to the part that the outermost function around it belongs to. Functions of the platform are known by the
 * symbols of the binary of Node, compiled JavaScript by the map that V8 writes.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** By the names of functions, those of V8, of Node and of the package alike; the first that fits counts. */
const parts = [
  ['SHA-256 of the token', /Hash::OneShotDigest/],
  ['JSON.parse', /Builtin_JsonParse/],
  ['regular expressions', /^RegExp:|^Builtins_RegExp/],
  ['Object.freeze', /Builtin_ObjectFreeze/],
  ['Object.hasOwn', /^Builtins_Object(?:PrototypeHasOwn|HasOwn)/],
  ['members by a name that varies', /^Builtins_Keyed(?:Load|Store)IC/],
  ['maps: keys, tokens, texts', /^Builtins_(?:FindOrdered|MapPrototype|SetPrototype)/],
  [
    'Buffer: base64url, Latin-1, UTF-8',
    /node:buffer|node::(?:Buffer|StringBytes)|node:internal\/buffer|^Builtins_CreateTypedArray/,
  ],
  ['timer of the turn', /node:(?:timers|internal\/timers)/],
  ['strings: search, cut, compare', /^Builtins_String|Runtime_StringEqual/],
  ['the scenario itself', /^Builtins_RunMicrotasks|^Builtins_Async|node::Kill|node:internal\/process/],
]
const rest = 'compiled code of the package'

/** Names by address; the later of two at one address counts. */
function symbolsOf(mapFile) {
  const found = new Map()
  const names = execFileSync('nm', ['-C', '--defined-only', process.execPath], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  for (const [, address, name] of names.matchAll(/^([\da-f]+) [tTwWvV] (.+)$/gm)) {
    found.set(Number.parseInt(address, 16), { name, size: Number.POSITIVE_INFINITY })
  }
  for (const [, address, size, name] of readFileSync(mapFile, 'utf8').matchAll(/^([\da-f]+) ([\da-f]+) (.+)$/gm)) {
    found.set(Number.parseInt(address, 16), {
      name: name.replace(/^JS:/, '').replace(/^Builtin:/, 'Builtins_'),
      size: Number.parseInt(size, 16),
    })
  }
  const addresses = Float64Array.from(found.keys()).sort()
  const highest = addresses.findLast((address) => found.get(address).size === Number.POSITIVE_INFINITY) + 2 ** 20
  const known = new Map()
  return (address) => {
    if (!known.has(address)) known.set(address, lookUp(address))
    return known.get(address)
  }

  function lookUp(address) {
    let [low, high] = [0, addresses.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (addresses[middle] <= address) low = middle + 1
      else high = middle
    }
    const start = addresses[low - 1]
    const { name, size } = found.get(start) ?? { size: 0 }
    return address < Math.min(start + size, size === Number.POSITIVE_INFINITY ? highest : start + size)
      ? name
      : undefined
  }
}

/** The instructions of each section of a trace: address and stack pointer in turn. */
function sectionsOf(trace) {
  const words = new BigUint64Array(trace.buffer, trace.byteOffset, trace.length >> 3)
  const sections = [[]]
  for (let at = 0; at < words.length; at += 2) {
    if (words[at] === 0n) sections.push([])
    else sections.at(-1).push([Number(words[at]), Number(words[at + 1])])
  }
  return sections.filter(({ length }) => length > 0)
}

/** The parts of the median request and their instructions, the largest first. */
export function partsOf(traceFile, mapFile) {
  const nameOf = symbolsOf(mapFile)
  const sections = sectionsOf(readFileSync(traceFile)).sort((a, b) => a.length - b.length)
  const section = sections[sections.length >> 1]
  const counts = new Map()
  /** Functions that are running, with the stack pointer they began at and the part they belong to. */
  const stack = [{ name: undefined, pointer: Number.POSITIVE_INFINITY, part: undefined }]
  let before = Number.POSITIVE_INFINITY
  for (const [address, pointer] of section) {
    while (pointer > stack.at(-1).pointer) stack.pop()
    const name = nameOf(address) ?? stack.at(-1).name
    if (name !== stack.at(-1).name) {
      // One that ends in a jump to another leaves its place to it.
      if (pointer === stack.at(-1).pointer && pointer <= before) stack.pop()
      const part = stack.at(-1).part ?? parts.find(([, form]) => form.test(name))?.[0]
      stack.push({ name, pointer, part })
    }
    before = pointer
    const part = stack.at(-1).part ?? rest
    counts.set(part, (counts.get(part) ?? 0) + 1)
  }
  return [...counts].sort(([, a], [, b]) => b - a)
}
