/** The session on a page, on this machine alone. */
import { VERDICTS } from "./choice_journal.ts";
import { page } from "./page.ts";
import type { PreferenceSession } from "./preference_session.ts";

/** The address that is listened on: other machines do not reach it. */
const LOOPBACK = "127.0.0.1";

/** How a session is served. */
export interface ServerOptions {
  /** The port; 0 for any that is free. */
  readonly port: number;
  /** Pairs to draw ahead of the one that is shown. */
  readonly ahead: number;
  /** Told of what went wrong. */
  readonly note: (text: string) => void;
}

/** A server that runs. */
export interface PreferenceServer {
  /** Its address. */
  readonly url: string;
  /** Stops it; requests that have begun are finished. */
  close(): Promise<void>;
}

/**
 * Serves a session: the page at `/`, its images, `GET /state`, and `POST /choice` and `/undo`, which answer with the
 * state after them, or with 409 and the state where the pair is not the one to be judged. Requests that another site's
 * page makes in the reader's browser are refused, by their Host and Origin.
 *
 * @param session The session.
 * @param options Port, and how far to draw ahead.
 * @returns The server, listening on the loopback address.
 * @throws {Deno.errors.AddrInUse} If the port is taken.
 */
export function servePreferences(session: PreferenceSession, options: ServerOptions): PreferenceServer {
  let drawing: Promise<void> = Promise.resolve();
  const state = async (status = 200) => {
    const { files, next, ...rest } = await session.state();
    const url = (name: string) => `images/${name}?${session.tag}`;
    drawing = session.prepare(options.ahead).catch((error) => options.note(`Cannot draw: ${(error as Error).message}`));
    return Response.json({ ...rest, images: files.map(url), upcoming: next.map(url) }, {
      status,
      headers: { "cache-control": "no-store" },
    });
  };
  const act = async (request: Request, action: (body: Record<string, unknown>) => Promise<boolean> | undefined) => {
    const body = await request.json().catch(() => undefined);
    const done = Number.isInteger(body?.pair) ? action(body) : undefined;
    if (done === undefined) {
      return refusal(400, `Body is ${JSON.stringify(body)}, expected a pair, and for a choice a verdict`);
    }
    return await state(await done ? 200 : 409);
  };
  const routes: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
    "GET /": () => pageResponse(session.out),
    "GET /state": () => state(),
    "POST /undo": (request) => act(request, ({ pair }) => session.undo(pair as number)),
    "POST /choice": (request) =>
      act(request, ({ pair, verdict }) => {
        const known = VERDICTS.find((one) => one === verdict);
        return known && session.choose(pair as number, known);
      }),
  };
  const server = Deno.serve({
    hostname: LOOPBACK,
    port: options.port,
    onListen: () => {},
    onError: (error) => {
      options.note(`Cannot answer: ${(error as Error).message}`);
      return refusal(500, (error as Error).message);
    },
  }, async (request) => {
    const { pathname } = new URL(request.url);
    const stranger = strangerOf(request, server.addr.port);
    if (stranger !== undefined) return refusal(403, stranger);
    const image = /^\/images\/(\d{6}-(?:left|right)\.png)$/.exec(pathname)?.[1];
    if (image !== undefined && request.method === "GET") return await imageResponse(`${session.folder}/${image}`);
    const route = routes[`${request.method} ${pathname}`];
    return route ? await route(request) : refusal(404, `There is no ${request.method} ${pathname}`);
  });
  return {
    url: `http://${LOOPBACK}:${server.addr.port}/`,
    async close() {
      await server.shutdown();
      await drawing;
    },
  };
}

/** Why a request is none of the page's own; undefined where it is. A name that points here is not this machine's. */
function strangerOf(request: Request, port: number): string | undefined {
  const hosts = [`${LOOPBACK}:${port}`, `localhost:${port}`];
  const host = request.headers.get("host") ?? "";
  if (!hosts.includes(host)) return `Host is ${host}, expected ${hosts.join(" or ")}`;
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== `http://${host}`) return `Origin is ${origin}, expected http://${host}`;
  if (request.method === "GET") return undefined;
  const type = request.headers.get("content-type") ?? "none";
  return type === "application/json" ? undefined : `Content-Type is ${type}, expected application/json`;
}

function pageResponse(file: string): Response {
  const nonce = crypto.randomUUID();
  const policy = [
    "default-src 'none'",
    "img-src 'self' data:",
    "connect-src 'self'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return new Response(page(file, nonce), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    },
  });
}

/** Image files do not change: their addresses carry the session's tag. */
async function imageResponse(path: string): Promise<Response> {
  const bytes = await Deno.readFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (bytes === undefined) return refusal(404, "The image is not drawn yet");
  return new Response(bytes, {
    headers: { "content-type": "image/png", "cache-control": "private, max-age=86400, immutable" },
  });
}

function refusal(status: number, text: string): Response {
  return new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
