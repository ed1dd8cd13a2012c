/** A model hub on loopback for tests: large files lie on a second server, which gives parts of them. */
import { createHash } from "node:crypto";

/** A file of the hub. */
export interface HubFile {
  /** `OWNER/NAME/PATH`; that of a data set begins with `datasets/`. */
  readonly name: string;
  /** Its bytes. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Large files lie elsewhere, and are known by their SHA-256. */
  readonly isLarge?: boolean;
}

/** What a server was asked. */
export interface Asked {
  readonly at: "hub" | "store";
  readonly path: string;
  readonly range: string | null;
  readonly authorization: string | null;
}

/** The two servers. Fields may be set between requests. */
export class HubServer implements AsyncDisposable {
  /** Everything that was asked, in order. */
  readonly asked: Asked[] = [];
  /** After how many bytes the next answers of the store break off; then they come whole. */
  breaks: number[] = [];
  /** Statuses of the next answers of the store, in place of the file. */
  statuses: number[] = [];
  /** The store gives whole files only. */
  hasNoRanges = false;
  /** The SHA-256 that the hub tells, instead of the true one. */
  claimed: string | undefined;
  /** Who may ask; anybody where it is undefined. */
  token: string | undefined;
  readonly #files: Map<string, HubFile>;
  readonly #hub: Deno.HttpServer<Deno.NetAddr>;
  readonly #store: Deno.HttpServer<Deno.NetAddr>;

  constructor(files: readonly HubFile[]) {
    this.#files = new Map(files.map((file) => [file.name, file]));
    const listen = (handler: (request: Request) => Response | Promise<Response>) =>
      Deno.serve({
        hostname: "127.0.0.1",
        port: 0,
        onListen: () => {},
        onError: () => new Response(null, { status: 500 }),
      }, handler);
    this.#hub = listen((request) => this.#atHub(request));
    this.#store = listen((request) => this.#atStore(request));
  }

  /** The hub's address. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#hub.addr.port}`;
  }

  /** Parts of files that the store was asked for. */
  get ranges(): (string | null)[] {
    return this.asked.filter(({ at, range }) => at === "store" && range !== "bytes=0-0").map(({ range }) => range);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#hub.shutdown(), this.#store.shutdown()]);
  }

  #note(at: Asked["at"], { url, headers }: Request): string {
    const path = decodeURIComponent(new URL(url).pathname);
    this.asked.push({ at, path, range: headers.get("range"), authorization: headers.get("authorization") });
    return path;
  }

  async #atHub(request: Request): Promise<Response> {
    const path = this.#note("hub", request);
    const [, api, repo] = /^\/api\/(models|datasets)\/(.+)\/paths-info\/main$/.exec(path) ?? [];
    if (this.token !== undefined && request.headers.get("authorization") !== `Bearer ${this.token}`) {
      await request.body?.cancel();
      return Response.json({ error: "Repository not found" }, { status: 401 });
    }
    if (api) {
      const { paths } = await request.json() as { paths: string[] };
      const prefix = `${api === "datasets" ? "datasets/" : ""}${repo}/`;
      return Response.json(paths.flatMap((name) => {
        const file = this.#files.get(prefix + name);
        return file ? [this.#info(name, file)] : [];
      }));
    }
    const name = path.slice(1).replace("/resolve/main/", "/");
    const file = this.#files.get(name);
    if (!file) {
      const hasRepo = [...this.#files.keys()].some((other) => name.startsWith(other.split("/").slice(0, 2).join("/")));
      return new Response(null, { status: 404, headers: hasRepo ? { "x-error-code": "EntryNotFound" } : {} });
    }
    if (!file.isLarge) return this.#part(file, request);
    const to = `http://127.0.0.1:${this.#store.addr.port}/${encodeURIComponent(name)}`;
    return new Response(null, { status: 302, headers: { location: to, "x-linked-etag": this.#etag(file) } });
  }

  #atStore(request: Request): Response {
    const name = this.#note("store", request).slice(1);
    const isProbe = request.headers.get("range") === "bytes=0-0";
    const status = isProbe ? undefined : this.statuses.shift();
    if (status !== undefined) return new Response(null, { status });
    return this.#part(this.#files.get(name)!, request, isProbe ? undefined : this.breaks.shift());
  }

  #part(file: HubFile, request: Request, breakAfter?: number): Response {
    const { bytes } = file;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "") ?? [];
    const isProbe = to === "0";
    const hasRange = from !== undefined && (isProbe || !this.hasNoRanges);
    const begin = hasRange ? Number(from) : 0, end = hasRange && to ? Number(to) + 1 : bytes.length;
    const part = bytes.slice(begin, end);
    const headers: Record<string, string> = { etag: this.#etag(file), "content-length": `${part.length}` };
    if (hasRange) headers["content-range"] = `bytes ${begin}-${end - 1}/${bytes.length}`;
    const body = breakAfter === undefined ? part : new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(part.slice(0, breakAfter)),
      // The first part leaves before the connection ends
      pull: (controller) => new Promise((resolve) => setTimeout(resolve, 20)).then(() => controller.error("broken")),
    });
    return new Response(body, { status: hasRange ? 206 : 200, headers });
  }

  #etag({ bytes }: HubFile): string {
    return `"${createHash("md5").update(bytes).digest("hex")}"`;
  }

  #info(path: string, { bytes, isLarge }: HubFile): object {
    const oid = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
    const sha256 = this.claimed ?? createHash("sha256").update(bytes).digest("hex");
    const lfs = { oid: sha256, size: bytes.length, pointerSize: 134 };
    return { type: "file", path, size: bytes.length, oid: isLarge ? "0".repeat(40) : oid, ...(isLarge ? { lfs } : {}) };
  }
}
