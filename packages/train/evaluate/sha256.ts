/** Hashes for reports. */
import { createHash } from "node:crypto";

/**
 * SHA-256 of text or bytes.
 *
 * @param data What to hash; text as UTF-8.
 * @returns 64 hexadecimal digits.
 */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/**
 * SHA-256 of files of any size, one after the other.
 *
 * @param paths The files.
 * @returns 64 hexadecimal digits.
 */
export async function sha256OfFiles(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    using file = await Deno.open(path);
    const part = new Uint8Array(1 << 16);
    for (let n = await file.read(part); n !== null; n = await file.read(part)) hash.update(part.subarray(0, n));
  }
  return hash.digest("hex");
}
