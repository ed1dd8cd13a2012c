/** Orders of very many things that take no memory. */

/**
 * A permutation of 0 to count - 1, as a function of the position: four rounds of a Feistel network over as many bits as
 * the count needs, repeated until the result is below the count.
 *
 * Source: Luby and Rackoff, "How to construct pseudorandom permutations", 1988; walking the cycle: Black and Rogaway,
 * "Ciphers with arbitrary finite domains", 2002.
 *
 * @param count How many things there are, below 2^50.
 * @param seeds Integers that tell permutations apart.
 * @returns Which thing stands at a position.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { shuffled } from "./shuffle.ts";
 *
 * const at = shuffled(5, 7, 0);
 * assertEquals([0, 1, 2, 3, 4].map(at).sort(), [0, 1, 2, 3, 4]);
 * ```
 */
export function shuffled(count: number, ...seeds: readonly number[]): (position: number) => number {
  const bits = Math.max(1, Math.ceil(Math.log2(Math.max(2, count)) / 2));
  const half = 2 ** bits;
  const once = (x: number) => {
    let left = Math.floor(x / half), right = x % half;
    for (let round = 0; round < 4; round++) {
      [left, right] = [right, (left + hash(right, round, ...seeds) % half) % half];
    }
    return left * half + right;
  };
  return (position) => {
    let x = once(position);
    while (x >= count) x = once(x);
    return x;
  };
}

/** 32 bits from integers, each of which moves every bit (the finaliser of MurmurHash3). */
function hash(...words: readonly number[]): number {
  const mix = (x: number) => {
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return x ^ (x >>> 16);
  };
  return words.reduce((state, word) => mix(state ^ mix(word + 0x9e3779b9)) + 0x6d2b79f5, 0) >>> 0;
}
