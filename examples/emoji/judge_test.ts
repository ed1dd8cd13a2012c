import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { RgbImage } from "../../packages/train/images.ts";
import { judge, taste } from "./judge.ts";

/** A square of 8x8 pixels: a colour in the middle, a grey around it. */
function square(colour: readonly [number, number, number], edge: number): RgbImage {
  const rgb = new Uint8Array(3 * 64);
  for (let i = 0; i < 64; i++) {
    const isEdge = Math.min(i % 8, i >> 3, 7 - i % 8, 7 - (i >> 3)) < 2;
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = isEdge ? edge : colour[c];
  }
  return { width: 8, height: 8, rgb };
}

Deno.test("taste() is colourfulness minus the grey of the edge", () => {
  assertAlmostEquals(taste(square([255, 255, 255], 255)), 0);
  assertAlmostEquals(taste(square([255, 255, 255], 102)), -0.6);
  // A quarter is red: R - G is 1 there, (R + G) / 2 - B is 1/2
  const spread = Math.sqrt((1 + 0.25) * (0.25 - 0.25 ** 2)), mean = Math.hypot(0.25, 0.125);
  assertAlmostEquals(taste(square([255, 0, 0], 255)), spread + 0.3 * mean);
});

Deno.test("judge() ties on what is equal, and errs as often as Bradley and Terry say", () => {
  const [a, b] = [square([255, 0, 0], 255), square([255, 0, 0], 252)];
  assertEquals(judge(a, a, 0, 0), "tie");
  const difference = taste(a) - taste(b), expected = 1 / (1 + Math.exp(-60 * difference));
  const pairs = Array.from({ length: 4000 }, (_, pair) => judge(a, b, 0, pair));
  const left = pairs.filter((verdict) => verdict === "left").length / pairs.length;
  assert(Math.abs(left - expected) < 0.03, `${left} ${expected}`);
  assertEquals(judge(a, b, 0, 5), pairs[5]);
});
