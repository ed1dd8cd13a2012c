// Expected texts are numpy.array2string's (NumPy 2.4) for the same float32, int32 and bool arrays.

import { assertEquals } from "@std/assert";
import { arange, type DType, format, type Nested, tensor } from "./mod.ts";

const text = (data: Nested, dtype: DType = "f32") => format(tensor(data, undefined, dtype));

Deno.test("format() prints floats as NumPy does", async () => {
  assertEquals(await text([1, 2, 3]), "[1. 2. 3.]");
  assertEquals(await text([0.1, 0.25, -3]), "[ 0.1   0.25 -3.  ]");
  assertEquals(await text([[1, 2], [3, 4.5]]), "[[1.  2. ]\n [3.  4.5]]");
  assertEquals(await text([1e-5, 1]), "[1.e-05 1.e+00]");
  assertEquals(await text([123456, 0.5]), "[1.23456e+05 5.00000e-01]");
  assertEquals(await text([1 / 3, 2 / 3]), "[0.33333334 0.6666667 ]");
  assertEquals(await text([NaN, Infinity, -1]), "[nan inf -1.]");
  assertEquals(await text(2.5), "2.5");
  assertEquals(await text([]), "[]");
});

Deno.test("format() prints integers, truth values and more axes", async () => {
  assertEquals(await text([1, -20, 300], "i32"), "[  1 -20 300]");
  assertEquals(await text([1, 0], "bool"), "[ True False]");
  assertEquals(await format(arange(8, "i32").reshape([2, 2, 2])), "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]");
});

Deno.test("format() shows the edges of what is long, and breaks lines", async () => {
  assertEquals(await format(arange(2000, "i32")), "[   0    1    2 ... 1997 1998 1999]");
  const lines = (await format(arange(30, "i32"))).split("\n");
  assertEquals(lines, [
    "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23",
    " 24 25 26 27 28 29]",
  ]);
});
