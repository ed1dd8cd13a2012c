/** Random numbers on the host as pure functions of integers, so that a resumed run draws the same batches. */

/** Mixes 32 bits so that every input bit moves every output bit (the finaliser of MurmurHash3, A. Appleby). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** 32 random bits, a pure function of the integers given (each taken modulo 2^32). */
export function randomBits(...counters: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const counter of counters) {
    state = mix((state ^ mix((counter >>> 0) + 0x9e3779b9)) + 0x6d2b79f5);
  }
  return state >>> 0;
}

/** A uniform number in [0, 1) from the integers given. */
export function randomUniform(...counters: readonly number[]): number {
  return randomBits(...counters) / 4294967296;
}

/** 32 bits from a text (FNV-1a over its UTF-8 bytes, mixed): the same on every machine and in every version. */
export function hashText(text: string): number {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    state = Math.imul(state ^ byte, 0x01000193);
  }
  return mix(state);
}

/** A permutation of 0..length-1 (Fisher and Yates), a pure function of the integers given. */
export function permutation(
  length: number,
  ...counters: readonly number[]
): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(randomUniform(...counters, i) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
