/**
 * Buffers longer than a kernel may bind at once: they are bound in parts, several bindings of one buffer, and every access
 * chooses its part. Shorter ones, nearly all, have a single part and are accessed directly.
 */

/** Parts begin at multiples of this, which every device allows. */
const ALIGNMENT = 256;

/** Bytes of each part but the last, for the device's `limit` of one binding. */
export function partBytes(limit: number): number {
  return limit === Infinity ? Infinity : Math.max(ALIGNMENT, limit - limit % ALIGNMENT);
}

/** The parts, as byte ranges, that a buffer of `bytes` bytes is bound in. */
export function partsOf(bytes: number, limit: number): { offset: number; bytes: number }[] {
  const step = partBytes(limit);
  const count = Math.max(1, Math.ceil(bytes / step));
  return Array.from({ length: count }, (_, i) => ({
    offset: i === 0 ? 0 : i * step,
    bytes: Math.min(step, bytes - (i === 0 ? 0 : i * step)),
  }));
}

/** Name of the binding of a part of an array. */
export function partName(name: string, part: number): string {
  return part === 0 ? name : `${name}_${part}`;
}

/** Function `NAME_at`, which reads a word of an array of several parts, each of `words` words of a WGSL `type`. */
export function readFunction(name: string, type: string, count: number, words: number): string {
  const lines = Array.from({ length: count }, (_, part) => {
    const value = `return ${partName(name, part)}[i - ${part * words}u];`;
    return part === count - 1 ? `  ${value}` : `  if (i < ${(part + 1) * words}u) { ${value} }`;
  });
  return `fn ${name}_at(i: u32) -> ${type} {\n${lines.join("\n")}\n}`;
}

/** Function `NAME_put`, which writes a word of such an array. */
export function writeFunction(name: string, type: string, count: number, words: number): string {
  const lines = Array.from({ length: count }, (_, part) => {
    const value = `${partName(name, part)}[i - ${part * words}u] = value;`;
    return part === count - 1 ? `  ${value}` : `  if (i < ${(part + 1) * words}u) { ${value} return; }`;
  });
  return `fn ${name}_put(i: u32, value: ${type}) {\n${lines.join("\n")}\n}`;
}
