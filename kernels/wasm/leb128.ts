/** How numbers are written in WebAssembly's binary format (core specification, chapter 5.2). */

/** A non-negative integer, seven bits a byte. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push(value % 128 + (rest > 0 ? 128 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}

/** An integer, in two's complement, seven bits a byte. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = ((value % 128) + 128) % 128;
    value = (value - low) / 128;
    const isLast = value === 0 && low < 64 || value === -1 && low >= 64;
    bytes.push(isLast ? low : low + 128);
    if (isLast) return bytes;
  }
}

/** A float of 32 bits, lowest byte first. */
export function float32(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)];
}

/** A text, with its length before it. */
export function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...unsigned(bytes.length), ...bytes];
}

/** A list, with its length before it. */
export function list(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}
