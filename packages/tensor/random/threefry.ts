/**
 * The counter-based random generator Threefry-2x32 with 20 rounds: a bijection
 * of 64-bit counters for each 64-bit key, so random number i of a stream costs
 * the same for every i and no state is kept.
 *
 * From Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
 * 3" (SC 2011), section 4.2 and table 3; the same function as in Random123 and
 * as JAX's default generator.
 *
 * @module
 */

/** Rotation distances of the rounds; they repeat every eight. */
export const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** Makes the third key word from the other two (from the Skein hash function). */
export const KEY_PARITY = 0x1bd11bda;

/**
 * Encrypts a counter with a key.
 *
 * @param key Two 32-bit words.
 * @param counter Two 32-bit words.
 * @returns Two random words, from 0 to 2^32 - 1.
 *
 * @example Usage
 * ```ts
 * import { threefry2x32 } from "./threefry.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(threefry2x32([0, 0], [0, 0]), [0x6b200159, 0x99ba4efe]);
 * ```
 */
export function threefry2x32(
  key: readonly [number, number],
  counter: readonly [number, number],
): [number, number] {
  const keys = [key[0], key[1], key[0] ^ key[1] ^ KEY_PARITY];
  let x = counter[0] + keys[0] | 0;
  let y = counter[1] + keys[1] | 0;
  for (let round = 0; round < 20; round++) {
    const distance = ROTATIONS[round % 8];
    x = x + y | 0;
    y = (y << distance | y >>> (32 - distance)) ^ x;
    if (round % 4 < 3) continue;
    const injection = (round + 1) / 4;
    x = x + keys[injection % 3] | 0;
    y = y + keys[(injection + 1) % 3] + injection | 0;
  }
  return [x >>> 0, y >>> 0];
}

/**
 * The same as a WGSL function,
 * `threefry2x32(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32>`.
 *
 * Five times four rounds in a loop: as fast as 20 unrolled rounds, and quicker
 * to compile where it is called often.
 */
export const THREEFRY_WGSL: string = `
fn threefry2x32(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
  var k = vec3(key, key.x ^ key.y ^ ${KEY_PARITY}u);
  var r = vec4(${ROTATIONS.slice(0, 4).map((d) => `${d}u`).join(", ")});
  var s = vec4(${ROTATIONS.slice(4).map((d) => `${d}u`).join(", ")});
  var x = counter + key;
  for (var i = 1u; i <= 5u; i++) {
    x.x += x.y; x.y = ((x.y << r.x) | (x.y >> (32u - r.x))) ^ x.x;
    x.x += x.y; x.y = ((x.y << r.y) | (x.y >> (32u - r.y))) ^ x.x;
    x.x += x.y; x.y = ((x.y << r.z) | (x.y >> (32u - r.z))) ^ x.x;
    x.x += x.y; x.y = ((x.y << r.w) | (x.y >> (32u - r.w))) ^ x.x;
    k = k.yzx;
    x += vec2(k.x, k.y + i);
    let t = r; r = s; s = t;
  }
  return x;
}
`;
