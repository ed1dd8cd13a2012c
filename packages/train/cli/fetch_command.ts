/** `dipp fetch`. */
import { ConfigError } from "../config/config_error.ts";
import { resolvePath, shownPath } from "../config/paths.ts";
import { cacheFolder } from "../evaluate/cache.ts";
import { FETCH_NAMES, fetchFiles } from "../fetch/registry.ts";
import { readOptions } from "./options.ts";

const HELP = `fetch NAME... [options]: download released weights and prompt sets into the cache

  NAME             ${FETCH_NAMES.join(", ").replace(/(.{1,88}), /g, "$1,\n                   ")}
  --cache DIR      where files go (DIPP_CACHE, or dipp in the user's cache)
  --endpoint URL   the hub, or a mirror of it (HF_ENDPOINT, or the hub's own)
  --verify         compare what is there with its digests, and fetch again what differs
  --list           print the files of the names, and download nothing
  --json           print what came of each file as one JSON object a line

What breaks off is gone on with by the same command. Every file is compared with its SHA-256 (small ones with git's
digest) before it gets its name. HF_TOKEN says who asks, where a repository is not public.`;

/**
 * Downloads what is named.
 *
 * @param args What follows `fetch`.
 * @returns The exit code.
 */
export async function fetchCommand(args: readonly string[]): Promise<number> {
  const options = readOptions(args, { string: ["cache", "endpoint"], boolean: ["verify", "list", "json", "help"] });
  if (options.has("help")) {
    console.log(HELP);
    return 0;
  }
  if (options.rest.length === 0) {
    throw new ConfigError(`Nothing is named, expected some of ${FETCH_NAMES.join(", ")}`);
  }
  const files = fetchFiles(options.rest);
  if (options.has("list")) {
    for (const { repo, path, to } of files) console.log(`${repo}/${path} -> ${to}`);
    return 0;
  }
  const endpoint = options.text("endpoint") ?? Deno.env.get("HF_ENDPOINT");
  if (endpoint !== undefined && !/^https?:\/\/[^/]/.test(endpoint)) {
    throw new ConfigError(`--endpoint is ${endpoint}, expected an address that begins with http:// or https://`);
  }
  const token = Deno.env.get("HF_TOKEN");
  if (token && !token.startsWith("hf_")) throw new ConfigError('HF_TOKEN is no token, expected one that begins "hf_"');
  // Only who fetches needs the hub's library
  const { download } = await import("../fetch/download.ts");
  const own = options.text("cache");
  const cache = own === undefined ? cacheFolder("weights").replace(/\/weights$/, "") : resolvePath(Deno.cwd(), own);
  const bar = new Bar();
  for (const file of files) {
    const { path, wasThere, size, received } = await download(file, {
      cache,
      verify: options.has("verify"),
      progress: (_, done, all) => bar.show(file.path, done, all),
      ...(endpoint ? { endpoint } : {}),
      ...(token ? { token } : {}),
    }).finally(() => bar.close());
    const part = received < size ? `, ${inBytes(size - received)} of which had come before` : "";
    console.error(`${shownPath(path)} ${wasThere ? "is there" : `has come: ${inBytes(size)}${part}`}`);
    if (options.has("json")) {
      console.log(JSON.stringify({ repo: file.repo, file: file.path, path, size, received, was_there: wasThere }));
    }
  }
  return 0;
}

/** How far a file has come, on one line of a terminal; nothing where nobody watches. */
class Bar {
  readonly #isWatched = Deno.stderr.isTerminal();
  #last = 0;
  #isOpen = false;

  show(name: string, done: number, size: number): void {
    const now = performance.now();
    if (!this.#isWatched || (now - this.#last < 200 && done < size)) return;
    this.#last = now;
    this.#isOpen = true;
    this.#write(`\r\x1b[K${name}  ${inBytes(done)} of ${inBytes(size)}  ${Math.floor(100 * done / size)} %`);
  }

  close(): void {
    if (this.#isOpen) this.#write("\r\x1b[K");
    this.#isOpen = false;
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}

function inBytes(count: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${power === 0 ? count : (count / 1000 ** power).toPrecision(3)} ${units[power]}`;
}
