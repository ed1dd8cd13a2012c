/** A JSON object whose fields nobody has checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object with fields. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads a file that holds a JSON object.
 *
 * @param file Its path.
 * @returns The object.
 * @throws {TypeError} If the file holds something else.
 */
export function readJson(file: string): JsonObject {
  const text = Deno.readTextFileSync(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TypeError(`${file} is not valid JSON: ${(error as Error).message}`);
  }
  if (isObject(value)) return value;
  throw new TypeError(`${file} holds no JSON object`);
}
