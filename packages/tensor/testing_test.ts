import { assert, assertEquals, AssertionError, assertThrows } from "@std/assert";
import { assertClose, numericalGradient, relativeError } from "./testing.ts";

Deno.test("relativeError() scales by the value, and by the rms below it", () => {
  const rms = Math.sqrt((100 + 1) / 2);
  // The large value by itself: 0.1 / 10. The small one by the rms.
  assertEquals(relativeError([10.5, 1], [10, 1]), { max: 0.05, index: 0 });
  const { max, index } = relativeError([10, 1.5], [10, 1]);
  assertEquals([max, index], [0.5 / rms, 1]);
  assertEquals(relativeError([10, 1], [10, 1]).max, 0);
  assertEquals(relativeError([], []), { max: 0, index: -1 });
});

Deno.test("relativeError() divides by 0.01 when all is expected to be zero", () => {
  assertEquals(relativeError([0, -0.001], [0, 0]), { max: 0.1, index: 1 });
  assertEquals(relativeError([0.001, -Infinity], [0, -Infinity]).max, 0.1);
});

Deno.test("relativeError() wants infinities in the same places", () => {
  // The infinity stays out of the rms, which is 2.
  assertEquals(relativeError([2.2, -Infinity], [2, -Infinity]).index, 0);
  assert(relativeError([2.2, -Infinity], [2, -Infinity]).max > 0.09);
  for (const wrong of [Infinity, 3, NaN]) {
    assertEquals(relativeError([2, wrong], [2, -Infinity]), {
      max: Infinity,
      index: 1,
    });
  }
  assertEquals(relativeError([Infinity], [1]).max, Infinity);
});

Deno.test("relativeError() never accepts NaN", () => {
  assertEquals(relativeError([1, NaN], [1, NaN]), { max: Infinity, index: 1 });
  assertEquals(relativeError([1, NaN], [1, 1]).max, Infinity);
});

Deno.test("relativeError() wants integers equal", () => {
  const expected = new Int32Array([1000, 2000]);
  assertEquals(relativeError([1000, 2001], expected), {
    max: Infinity,
    index: 1,
  });
  assertEquals(relativeError([1000, 2000], expected).max, 0);
  assertEquals(
    relativeError([1000, 2001], new Float32Array(expected)).max,
    1 / 2000,
  );
});

Deno.test("assertClose() says what is off, where and by how much", () => {
  assertClose([1, 2.0001], [1, 2], 1e-4, "output");
  const error = assertThrows(
    () => assertClose([1, 2.5], [1, 2], 1e-4, "output"),
    AssertionError,
  );
  assertEquals(
    error.message,
    "output is off by 2.50e-1, more than 0.0001, at index 1 of 2: got 2.5, " +
      "expected 2",
  );
  assertThrows(
    () => assertClose([1], [1, 2], 1, "output"),
    AssertionError,
    "output has 1 values: expected 2",
  );
});

Deno.test("numericalGradient() agrees with the derivative", () => {
  const x = Float64Array.of(0.3, -1.7, 250);
  const gradient = numericalGradient(
    ([a, b, c]) => Math.exp(a) * Math.sin(b) + Math.log(c),
    x,
  );
  assertClose(
    gradient,
    [
      Math.exp(0.3) * Math.sin(-1.7),
      Math.exp(0.3) * Math.cos(-1.7),
      1 / 250,
    ],
    1e-9,
    "gradient",
  );
  assertEquals(x, Float64Array.of(0.3, -1.7, 250));
});
