/** One file of the model hub onto this machine: resumed where it broke off, compared with its digest, or not there. */
import { fileDownloadInfo, type FileDownloadInfoOutput, HubApiError, pathsInfo } from "@huggingface/hub";
import { writeAtomic } from "@dipp/nn";
import { createHash, type Hash } from "node:crypto";
import type { FetchFile } from "./registry.ts";

/** A download that cannot be. */
export class FetchError extends Error {
  /** Always "FetchError". */
  override name = "FetchError";
}

/** A server that gives the whole file where a part was asked for. */
class NoParts extends Error {}

/** Where to ask, and how often. */
export interface DownloadOptions {
  /** The cache. */
  readonly cache: string;
  /** The hub, where it is not its own library's. */
  readonly endpoint?: string;
  /** Who asks, for what is not public. */
  readonly token?: string;
  /** How often a broken connection is taken up again without a byte having come. Default 5. */
  readonly retries?: number;
  /** Milliseconds before the first of these; each later one waits twice as long. Default 1000. */
  readonly wait?: number;
  /** Compares files with their digests that are there already. */
  readonly verify?: boolean;
  /** Is told how far a file has come. */
  progress?(file: FetchFile, done: number, size: number): void;
}

/** What came of a file. */
export interface Downloaded {
  /** The file. */
  readonly path: string;
  /** It was there. */
  readonly wasThere: boolean;
  /** Its length in bytes. */
  readonly size: number;
  /** Bytes that came in this call; fewer than `size` where an earlier one had begun. */
  readonly received: number;
}

/** What must be true of the bytes: a digest that is known, or that the hub tells. */
interface Digest {
  readonly kind: "sha256" | "git";
  readonly value: string;
}

/** What is written beside a file that is whole, or has begun. */
interface Record {
  readonly repo: string;
  readonly path: string;
  readonly etag: string;
  readonly size: number;
  readonly digest: Digest;
}

/**
 * Downloads a file, unless it is there. The bytes go into `NAME.part`, with what they are part of beside them in
 * `NAME.json`; a later call goes on after them. Only what has its digest gets its name.
 *
 * @param file Which, and where it goes.
 * @param options See {@linkcode DownloadOptions}.
 * @returns Where it lies.
 * @throws {FetchError} If the hub does not have it, does not give it, or gives something else; the error says which.
 */
export async function download(file: FetchFile, options: DownloadOptions): Promise<Downloaded> {
  const path = `${options.cache}/${file.to}`, part = `${path}.part`, beside = `${path}.json`;
  const there = await sizeOf(path);
  if (there !== undefined && !options.verify) return { path, wasThere: true, size: there, received: 0 };
  const hub = hubOf(file, options);
  const { info, digest } = await hub.describe();
  const record: Record = { repo: file.repo, path: file.path, etag: info.etag, size: info.size, digest };
  if (there !== undefined) {
    if (there === info.size && await digestOf(path, digest, info.size) === digest.value) {
      return { path, wasThere: true, size: there, received: 0 };
    }
    await Deno.remove(path);
  }
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  // Bytes of another version must not be gone on with
  if (await readRecord(beside) !== JSON.stringify(record)) await removeIfThere(part);
  await writeAtomic(beside, JSON.stringify(record));

  const received = await receive(file, part, info, options, (from) => hub.stream(info, from));
  const got = await digestOf(part, digest, info.size);
  if (got !== digest.value) {
    await removeIfThere(part);
    throw new FetchError(
      `${describe(file)} has the ${
        digest.kind === "git" ? "git digest" : "SHA-256"
      } ${got}, expected ${digest.value}: ` +
        `what came is damaged or was changed, and is thrown away`,
    );
  }
  await Deno.rename(part, path);
  return { path, wasThere: false, size: info.size, received };
}

/** Appends to what has come until it is whole; connections that break are taken up again. */
async function receive(
  file: FetchFile,
  part: string,
  { size }: FileDownloadInfoOutput,
  { retries = 5, wait = 1000, progress }: DownloadOptions,
  stream: (from: number) => Promise<ReadableStream<Uint8Array>>,
): Promise<number> {
  let done = await sizeOf(part) ?? 0, received = 0, failures = 0;
  if (done > size) {
    await Deno.remove(part);
    done = 0;
  }
  while (done < size) {
    const begin = done;
    try {
      using out = await Deno.open(part, { create: true, append: true });
      for await (const bytes of await stream(done)) {
        if (done + bytes.length > size) {
          throw new FetchError(`${describe(file)} is longer than the ${size} bytes it has`);
        }
        for (let at = 0; at < bytes.length;) at += await out.write(bytes.subarray(at));
        done += bytes.length;
        received += bytes.length;
        progress?.(file, done, size);
      }
      if (done < size) throw new TypeError(`the connection ended after ${done} of ${size} bytes`);
    } catch (error) {
      if (error instanceof NoParts) {
        await Deno.truncate(part);
        done = 0;
        continue;
      }
      failures = done > begin ? 1 : failures + 1;
      if (!isPassing(error) || failures > retries) throw refused(file, error, done, size);
      await new Promise((resolve) => setTimeout(resolve, wait * 2 ** (failures - 1)));
    }
  }
  return received;
}

/** The hub's side of a file. */
function hubOf(file: FetchFile, { endpoint, token }: DownloadOptions) {
  const common = {
    repo: { type: file.type, name: file.repo } as const,
    ...(endpoint ? { hubUrl: endpoint.replace(/\/+$/, "") } : {}),
    ...(token ? { accessToken: token } : {}),
  };
  return {
    async describe(): Promise<{ info: FileDownloadInfoOutput; digest: Digest }> {
      try {
        const info = await fileDownloadInfo({ ...common, path: file.path, fetch: discarding });
        if (!info) throw new FetchError(`${describe(file)} is not there: the repository has no such file`);
        if (file.sha256) return { info, digest: { kind: "sha256", value: file.sha256 } };
        const [found] = await pathsInfo({ ...common, paths: [file.path] });
        const sha256 = found?.lfs?.oid;
        if (sha256) return { info, digest: { kind: "sha256", value: sha256 } };
        if (found?.oid) return { info, digest: { kind: "git", value: found.oid } };
        throw new FetchError(`${describe(file)} has no digest to compare with`);
      } catch (error) {
        throw refused(file, error);
      }
    },
    /** The bytes from one on. The library's own stream loses the kind of an error, which decides what to do about it. */
    async stream(info: FileDownloadInfoOutput, from: number): Promise<ReadableStream<Uint8Array>> {
      const response = await fetch(info.url, {
        headers: {
          ...(token ? { Authorization: `Bearer ${token}` } : {}),
          ...(from > 0 ? { Range: `bytes=${from}-` } : {}),
        },
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw new HubApiError(info.url, response.status, undefined, `the server answers ${response.status}`);
      }
      if (from > 0 && response.status !== 206) {
        // Its beginning would be appended to what is there
        await response.body?.cancel();
        throw new NoParts();
      }
      return response.body ?? new ReadableStream();
    },
  };
}

/** The first byte tells the size: it is let go of, so that the connection is. */
const discarding: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (!response.ok) return response;
  await response.body?.cancel();
  const { status, statusText, headers } = response;
  const empty = new Response(null, { status, statusText, headers });
  Object.defineProperty(empty, "url", { value: response.url });
  return empty;
};

/** Whether trying again may help. */
function isPassing(error: unknown): boolean {
  if (error instanceof FetchError) return false;
  return !(error instanceof HubApiError) || error.statusCode === 429 || error.statusCode >= 500;
}

function refused(file: FetchFile, error: unknown, done?: number, size?: number): FetchError {
  if (error instanceof FetchError && error.message.startsWith(file.repo)) return error;
  const at = done === undefined ? "" : ` after ${done} of ${size} bytes, which are kept`;
  if (!(error instanceof HubApiError)) {
    const reason = error instanceof Error ? error.message : `${error}`;
    return new FetchError(`${describe(file)} broke off${at}: ${reason}`, { cause: error });
  }
  const reasons: Readonly<Partial<{ [status: number]: string }>> = {
    401: "the hub wants to know who asks, or has no such repository: expected a token in HF_TOKEN",
    403: "the token may not read it: its owners may have to be asked first",
    404: "there is no such repository or file",
    429: "the hub is asked too often",
  };
  const reason = reasons[error.statusCode] ?? error.message;
  return new FetchError(`${describe(file)} is refused${at} (${error.statusCode}): ${reason}`, { cause: error });
}

function describe({ repo, path }: FetchFile): string {
  return `${repo}/${path}`;
}

/** The digest of a file: of its bytes, or as git names them. */
async function digestOf(path: string, { kind }: Digest, size: number): Promise<string> {
  const hash: Hash = createHash(kind === "git" ? "sha1" : "sha256");
  if (kind === "git") hash.update(`blob ${size}\0`);
  using file = await Deno.open(path);
  const bytes = new Uint8Array(1 << 20);
  for (let n = await file.read(bytes); n !== null; n = await file.read(bytes)) hash.update(bytes.subarray(0, n));
  return hash.digest("hex");
}

async function sizeOf(path: string): Promise<number | undefined> {
  return await Deno.stat(path).then((info) => info.size, () => undefined);
}

async function readRecord(path: string): Promise<string | undefined> {
  return await Deno.readTextFile(path).catch(() => undefined);
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
