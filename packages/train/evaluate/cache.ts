/** Where files lie that are fetched once: prompt sets and the weights of papers' metrics. */

/**
 * A folder of the user's cache.
 *
 * @param name "prompts" or "weights".
 * @returns `DIPP_CACHE/name`, or `dipp/name` in the user's cache directory.
 */
export function cacheFolder(name: "prompts" | "weights"): string {
  const own = Deno.env.get("DIPP_CACHE");
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "."}/.cache`;
  return `${own ?? `${cache}/dipp`}/${name}`;
}
