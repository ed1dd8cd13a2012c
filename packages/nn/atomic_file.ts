/**
 * Writing a file so that it is never seen half written.
 *
 * @module
 */

/**
 * Replaces a file: writes a temporary file beside it, syncs it, renames it over
 * the path and syncs the directory. After a crash at any moment the path holds
 * the old bytes or the new ones, whole.
 *
 * @param path the file to replace or create
 * @param data the new bytes, or text that is stored as UTF-8
 * @throws {Error} what the file system reports; the path is then untouched and
 * the temporary file removed
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeAtomic } from "@dipp/nn";
 *
 * const path = await Deno.makeTempFile();
 * await writeAtomic(path, "step 7");
 * assertEquals(await Deno.readTextFile(path), "step 7");
 * await Deno.remove(path);
 * ```
 */
export async function writeAtomic(
  path: string,
  data: Uint8Array | string,
): Promise<void> {
  await writeAtomicParts(path, [typeof data === "string" ? new TextEncoder().encode(data) : data]);
}

/**
 * The same for data that comes in parts, of which one at a time is in memory.
 *
 * @param path the file to replace or create
 * @param parts the new bytes
 * @throws {Error} what the file system reports, or the parts; the path is then untouched and the temporary file removed
 */
export async function writeAtomicParts(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    for await (const bytes of parts) {
      for (let at = 0; at < bytes.length;) {
        at += await file.write(bytes.subarray(at));
      }
    }
    await file.sync();
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  try {
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await syncDirectory(path);
}

/** Makes the rename durable; Windows has no handle on a directory to sync. */
async function syncDirectory(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  const slash = path.lastIndexOf("/");
  using directory = await Deno.open(
    slash < 0 ? "." : path.slice(0, slash + 1),
    { read: true },
  );
  await directory.sync();
}
