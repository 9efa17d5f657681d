/** What the calculator says that the documentation of Lighthouse names: the index of a machine, and its factor. */
const calibration = [
  { index: 150, factor: 1 },
  { index: 800, factor: 2 },
  { index: 1300, factor: 3 },
  { index: 1533, factor: 4 },
] as const

/**
 * How many times slower than this machine the phone is that Lighthouse measures for. It takes 4 where it is told nothing, which
 * fits a fast desktop; on a slower machine 4 makes a phone slower than there are, and its documentation says to calibrate.
 */
export function slowdownOf(benchmarkIndex: number): number {
  const above = calibration.findIndex(({ index }) => index > benchmarkIndex)
  if (above === 0) return 1
  const [low, high] = calibration.slice(above === -1 ? -2 : above - 1) as unknown as typeof calibration
  const share = (benchmarkIndex - low.index) / (high.index - low.index)
  return Math.round((low.factor + share * (high.factor - low.factor)) * 100) / 100
}
