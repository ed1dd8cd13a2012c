import { assert, assertEquals } from "@std/assert";
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "./half.ts";

/** Rounds to a 16-bit float by search: the oracle of both conversions. */
function nearest(x: number, table: Float32Array): number {
  let lo = 0;
  let hi = table.length - 1;
  while (hi - lo > 1) {
    const mid = (lo + hi) >> 1;
    if (table[mid] <= x) lo = mid;
    else hi = mid;
  }
  const below = x - table[lo];
  const above = table[hi] - x;
  if (below === above) return lo % 2 === 0 ? lo : hi;
  return below < above ? lo : hi;
}

function samples(limit: number): Float32Array {
  const out = new Float32Array(4000);
  let seed = 12345;
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < out.length; i++) {
    do {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      // Every fourth one a tie or next to one.
      const low = [0x8000, 0x7fff, 0x1000, 0x3000][(seed >>> 8) & 3];
      bits[i] = i % 4 === 0 ? (seed & 0x7fff0000) | low : seed & 0x7fffffff;
    } while (!(out[i] < limit));
  }
  return out;
}

Deno.test("f32ToBf16() rounds to nearest even", () => {
  const table = bf16ToF32(Uint16Array.from({ length: 0x7f80 }, (_, i) => i));
  const x = samples(table[table.length - 1]);
  const got = f32ToBf16(x);
  const want = Uint16Array.from(x, (v) => nearest(v, table));
  assertEquals(got, want);
  const negative = f32ToBf16(x.map((v) => -v));
  assertEquals(negative, want.map((b) => b | 0x8000));
});

Deno.test("f32ToF16() rounds to nearest even", () => {
  const table = f16ToF32(Uint16Array.from({ length: 0x7c00 }, (_, i) => i));
  const x = samples(table[table.length - 1]);
  assertEquals(f32ToF16(x), Uint16Array.from(x, (v) => nearest(v, table)));
});

Deno.test("every 16-bit float survives the round trip", () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  for (
    const [widen, narrow] of [[bf16ToF32, f32ToBf16], [
      f16ToF32,
      f32ToF16,
    ]] as const
  ) {
    const wide = widen(all);
    const back = narrow(wide);
    for (let i = 0; i < all.length; i++) {
      if (Number.isNaN(wide[i])) assert(Number.isNaN(widen(back)[i]));
      else assertEquals(back[i], all[i]);
    }
  }
});

Deno.test("overflow and NaN", () => {
  const x = new Float32Array([3.4e38, -3.4e38, NaN, Infinity, -Infinity]);
  assertEquals(
    bf16ToF32(f32ToBf16(x)),
    new Float32Array([Infinity, -Infinity, NaN, Infinity, -Infinity]),
  );
  assertEquals(
    f16ToF32(f32ToF16(x)),
    new Float32Array([Infinity, -Infinity, NaN, Infinity, -Infinity]),
  );
});
