/** The cache file of decoded drawings: one line of JSON, then the bytes of both vendors. */
import type { Drawings, EmojiRecord } from "./drawings.ts";

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest(
    "SHA-256",
    bytes as Uint8Array<ArrayBuffer>,
  );
  return Array.from(
    new Uint8Array(digest),
    (b) => b.toString(16).padStart(2, "0"),
  ).join("");
}

interface CacheHeader {
  stamp: string;
  digest: string;
  records: EmojiRecord[];
}

/** The cache: one line of JSON, then the bytes of both vendors. Undefined where it is missing, stale or damaged. */
export async function readCache(
  path: string,
  stamp: string,
  size: number,
): Promise<Drawings | undefined> {
  try {
    const bytes = await Deno.readFile(path);
    const newline = bytes.indexOf(10);
    const header: CacheHeader = JSON.parse(
      new TextDecoder().decode(bytes.subarray(0, newline)),
    );
    const body = bytes.subarray(newline + 1);
    const length = header.records.length * 3 * size * size;
    if (
      header.stamp !== stamp || body.length !== 2 * length ||
      header.digest !== await sha256(body)
    ) return undefined;
    return {
      size,
      records: header.records,
      pixels: {
        google: body.subarray(0, length),
        twitter: body.subarray(length),
      },
    };
  } catch {
    return undefined;
  }
}

/** Written beside and renamed, so that a run that starts meanwhile never reads half a file. */
export async function writeCache(
  path: string,
  stamp: string,
  drawings: Drawings,
): Promise<void> {
  const { google, twitter } = drawings.pixels;
  const body = new Uint8Array(google.length + twitter.length);
  body.set(google);
  body.set(twitter, google.length);
  const header: CacheHeader = {
    stamp,
    digest: await sha256(body),
    records: [...drawings.records],
  };
  const line = new TextEncoder().encode(JSON.stringify(header) + "\n");
  const bytes = new Uint8Array(line.length + body.length);
  bytes.set(line);
  bytes.set(body, line.length);
  const temporary = `${path}.${Deno.pid}.tmp`;
  await Deno.mkdir(path.replace(/[^/\\]*$/, ""), { recursive: true });
  await Deno.writeFile(temporary, bytes);
  await Deno.rename(temporary, path);
}
