/*
 * How the search takes text apart, where the index is made and in the page.
 *
 * VitePress would send the function to each page as text and make it anew there by `new Function`, which the policy of the
 * pages forbids. So the configuration hides it from VitePress, and the search box of the theme gets this module in place of
 * MiniSearch.
 */
import MiniSearch from 'minisearch'

/** Words as they stand, and names such as `invalid_token` whole as well. */
export function tokenize(text) {
  const words = text.split(/[\s\p{P}\p{S}]+/u)
  const names = text.match(/[\p{L}\p{N}]+(?:_[\p{L}\p{N}]+)+/gu) ?? []
  return [...words, ...names].filter((word) => word !== '')
}

/** What the search box uses of MiniSearch. */
export default {
  loadJSON: (index, options) => MiniSearch.loadJSON(index, { ...options, tokenize }),
}
