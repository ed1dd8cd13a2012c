// Columns, padding, repeating, rolling, resizing: what the reference cases leave out.

import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  arange,
  foldColumns,
  interpolate,
  padWith,
  realize,
  repeat,
  repeatInterleave,
  roll,
  tensor,
  unfold,
} from "../mod.ts";
import { assertClose } from "../testing.ts";

const numbers = async (x: { data(): Promise<ArrayLike<number>> }) => Array.from(await x.data());

Deno.test("unfold() and foldColumns() are transposes of each other: <unfold x, y> = <x, fold y>", async () => {
  const options = { stride: [2, 1], padding: [1, 2], dilation: [1, 2] } as const;
  const x = arange(2 * 3 * 8 * 5).reshape([2, 3, 8, 5]).mul(0.37).sin();
  const columns = unfold(x, [3, 2], options);
  const y = arange(columns.size).reshape(columns.shape).mul(0.61).cos();
  const image = foldColumns(y, [8, 5], [3, 2], options);
  const [left, right] = [columns.mul(y).sum(), x.mul(image).sum()];
  await realize(left, right);
  assertAlmostEquals(await left.item(), await right.item(), 1e-3);
});

Deno.test("foldColumns() refuses columns of another image", () => {
  assertThrows(
    () => foldColumns(arange(24).reshape([1, 4, 6]), [4, 4], 2),
    RangeError,
    "Cannot fold [1, 4, 6] into [4, 4] with kernel [2, 2]: expected [N, C * 4, 9]",
  );
});

Deno.test("padWith() mirrors, repeats the edge, goes round, and crops", async () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]]);
  assertEquals(await numbers(padWith(x, [[0, 0], [2, 1]], "circular")), [2, 3, 1, 2, 3, 1, 5, 6, 4, 5, 6, 4]);
  assertEquals(await numbers(padWith(x, [[1, 0], [-1, 1]], "replicate")), [2, 3, 3, 2, 3, 3, 5, 6, 6]);
  assertEquals(await numbers(padWith(x, [[1, 0], [0, 2]], "reflect")), [4, 5, 6, 5, 4, 1, 2, 3, 2, 1, 4, 5, 6, 5, 4]);
  assertThrows(() => padWith(x, [[2, 0], [0, 0]], "reflect"), RangeError, "Cannot pad axis 0 of [2, 3] by [2, 0]");
});

Deno.test("repeat(), repeatInterleave() and roll() follow torch", async () => {
  const x = tensor([[1, 2], [3, 4]]);
  assertEquals(repeat(x, [2, 1, 3]).shape, [2, 2, 6]);
  assertEquals(await numbers(repeatInterleave(x, 2, -1)), [1, 1, 2, 2, 3, 3, 4, 4]);
  assertEquals(await numbers(repeatInterleave(x, [0, 3], 0)), [3, 4, 3, 4, 3, 4]);
  assertEquals(await numbers(roll(x, 1)), [4, 1, 2, 3]);
  assertEquals(await numbers(roll(x, [-3, 1], [1, 0])), [4, 3, 2, 1]);
  assertThrows(() => repeat(x, [2]), RangeError, "Cannot repeat [2, 2] by [2]");
  assertThrows(() => roll(x, [1, 2], [0]), RangeError, "Cannot roll [2, 2] by [1, 2] along [0]");
});

Deno.test("interpolate() puts the corners on each other, and takes factors", async () => {
  const ramp = tensor([0, 1, 2, 3], [1, 1, 1, 4]);
  const aligned = await numbers(interpolate(ramp, { size: [1, 7], mode: "bilinear", alignCorners: true }));
  aligned.forEach((v, i) => assertAlmostEquals(v, i / 2, 1e-6));
  assertEquals(interpolate(ramp, { scaleFactor: [2, 1.6] }).shape, [1, 1, 2, 6]);
  // The factor, not the rounded length, is the step: 0.625 pixels here, not 4 / 6
  const factor = await numbers(interpolate(ramp, { scaleFactor: [1, 1.6], mode: "bilinear" }));
  factor.forEach((v, i) => assertAlmostEquals(v, Math.min(3, Math.max(0, (i + 0.5) / 1.6 - 0.5)), 1e-6));
  assertThrows(() => interpolate(ramp, {}), RangeError, "expected either size or scaleFactor");
  assertThrows(() => interpolate(ramp, { size: [0, 2] }), RangeError, "to size [0, 2]");
});

Deno.test("interpolate() picks nearest pixels by size, by factor and at centres, and averages areas", async () => {
  const row = (n: number) => arange(n).reshape([1, 1, 1, n]);
  const cases = [
    [interpolate(row(9), { size: [1, 5] }), [0, 1, 3, 5, 7]],
    // A factor scales by its own reciprocal, not by the quotient of the rounded lengths
    [interpolate(row(9), { scaleFactor: [1, 0.6] }), [0, 1, 3, 5, 6]],
    [interpolate(row(9), { size: [1, 5], mode: "nearest-exact" }), [0, 2, 4, 6, 8]],
    [interpolate(row(2), { size: [1, 5], mode: "nearest-exact" }), [0, 0, 1, 1, 1]],
    [interpolate(row(6), { size: [1, 4], mode: "area" }), [0.5, 1.5, 3.5, 4.5]],
  ] as const;
  await realize(...cases.map(([y]) => y));
  for (const [y, expected] of cases) assertClose(await y.data(), expected, 1e-6, "resized row");
});
