import { openBytes } from "@dipp/nn";

/**
 * Reads a JSON file that holds an object.
 *
 * @param path The file.
 * @param most Bytes that it may have; a configuration has a few thousand.
 * @returns The object.
 * @throws {TypeError} If there is no such file, or it holds no JSON object.
 * @throws {RangeError} If it is larger.
 */
export async function readJson(path: string, most: number = 2 ** 20): Promise<Record<string, unknown>> {
  using file = await openBytes(path);
  if (file.length > most) {
    throw new RangeError(`Cannot read ${path}: it has ${file.length} bytes, expected at most ${most}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await file.read(0, file.length)));
  } catch (cause) {
    throw new TypeError(`Cannot read ${path}: it is not valid JSON`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`Cannot read ${path}: it holds no JSON object`);
  }
  return value as Record<string, unknown>;
}
