/**
 * Adds `secrets` to `shown` as members that read like any other and show up neither in `util.inspect` (also not with
 * `showHidden`) nor in `JSON.stringify`, nor in a copy by spreading. The result is frozen.
 */
export function hideSecrets<Shown extends object, Secrets extends object>(
  shown: Shown,
  secrets: Secrets,
): Readonly<Shown & Secrets> {
  for (const [name, value] of Object.entries(secrets)) {
    Object.defineProperty(shown, name, { get: () => value, enumerable: false })
  }
  return Object.freeze(shown) as Readonly<Shown & Secrets>
}
