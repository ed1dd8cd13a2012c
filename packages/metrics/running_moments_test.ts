import { assert, assertEquals, assertThrows } from "@std/assert";
import { RunningMoments } from "./running_moments.ts";

Deno.test("RunningMoments merges as if it had seen one stream", () => {
  const xs = Array.from({ length: 31 }, (_, i) => Math.sin(i) * 3 + 100);
  const whole = new RunningMoments(), left = new RunningMoments();
  const right = new RunningMoments();
  xs.forEach((x, i) => {
    whole.push(x);
    (i < 9 ? left : right).push(x);
  });
  left.merge(right.state());
  const mean = xs.reduce((a, b) => a + b) / xs.length;
  const squares = xs.reduce((s, x) => s + (x - mean) ** 2, 0);
  for (const m of [whole, left]) {
    assertEquals(m.count, 31);
    assert(Math.abs(m.mean - mean) < 1e-12);
    assert(Math.abs(m.std - Math.sqrt(squares / 30)) < 1e-12);
    assert(Math.abs(m.stderr - m.std / Math.sqrt(31)) < 1e-15);
  }
});

Deno.test("RunningMoments says NaN where there is nothing to say, and refuses NaN", () => {
  const m = new RunningMoments();
  assert(Number.isNaN(m.mean) && Number.isNaN(m.std));
  m.push(2);
  assertEquals(m.mean, 2);
  assert(Number.isNaN(m.std));
  assertThrows(() => m.push(NaN), RangeError, "value 1 is NaN");
});
