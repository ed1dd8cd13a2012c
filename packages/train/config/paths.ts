/** Paths of files, without a library for them. */

/**
 * Resolves a path against a directory.
 *
 * @param base A directory.
 * @param path A path, absolute or relative to it.
 * @returns An absolute path.
 */
export function resolvePath(base: string, path: string): string {
  const directory = new URL(`${toFileUrl(base).href.replace(/\/$/, "")}/`);
  return fromFileUrl(new URL(encodePath(path), directory));
}

/** The path of a `file:` URL. */
export function fromFileUrl(url: URL): string {
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.replace(/^\//, "") : path;
}

/** The `file:` URL of a path, relative paths from the working directory. */
export function toFileUrl(path: string): URL {
  const slashed = path.replaceAll("\\", "/");
  const absolute = /^([a-zA-Z]:)?\//.test(slashed) ? slashed : `${Deno.cwd().replaceAll("\\", "/")}/${slashed}`;
  return new URL(`file://${absolute.startsWith("/") ? "" : "/"}${encodePath(absolute)}`);
}

/** The directory that a file lies in. */
export function directoryOf(path: string): string {
  return fromFileUrl(new URL(".", toFileUrl(path)));
}

function encodePath(path: string): string {
  return path.replaceAll("\\", "/").split("/").map((part, i) =>
    i === 0 && /^[a-zA-Z]:$/.test(part) ? part : encodeURIComponent(part)
  ).join("/");
}

/**
 * A path as others may read it: relative where it lies under the working directory, without the names above it.
 *
 * @param path A path.
 * @returns The same file's path.
 */
export function shownPath(path: string): string {
  const here = `${Deno.cwd()}/`;
  return path.startsWith(here) ? path.slice(here.length) : path;
}
