import * as a from "@std/assert";

function throwsAssertion(fn: () => void): void {
  try {
    fn();
  } catch (error) {
    if (error instanceof a.AssertionError) return;
    throw error;
  }
  throw new Error("Expected an AssertionError");
}

Deno.test("assertEquals() compares by value", () => {
  a.assertEquals({ b: [1, NaN], a: "x" }, { a: "x", b: [1, NaN] });
  a.assertEquals(new Float32Array([1, 0]), new Float32Array([1, -0]));
  a.assertEquals([0, { x: -0 }], [-0, { x: 0 }]);
  a.assertEquals(new Map([[1, new Set([2])]]), new Map([[1, new Set([2])]]));
  throwsAssertion(() => a.assertEquals([1, 2], [1, 3]));
  throwsAssertion(() => a.assertEquals<unknown>(new Float32Array([1]), new Float64Array([1])));
  throwsAssertion(() => a.assertEquals<unknown>({ x: undefined }, {}));
  a.assertNotEquals({ x: 1 }, { x: 2 });
  throwsAssertion(() => a.assertNotEquals({ x: 1 }, { x: 1 }));
});

Deno.test("assertStrictEquals() compares by identity", () => {
  a.assertStrictEquals(NaN, NaN);
  throwsAssertion(() => a.assertStrictEquals(0, -0));
  throwsAssertion(() => a.assertStrictEquals({}, {}));
});

Deno.test("assertAlmostEquals() bounds the difference", () => {
  a.assertAlmostEquals(1, 1.1, 0.11);
  a.assertAlmostEquals(1e6, 1e6 + 0.01);
  throwsAssertion(() => a.assertAlmostEquals(1, 1.1, 0.05));
  throwsAssertion(() => a.assertAlmostEquals(1, 1 + 1e-6));
  throwsAssertion(() => a.assertAlmostEquals(NaN, 1, 10));
});

Deno.test("assertThrows() checks the class and the message", () => {
  const error = a.assertThrows(
    () => {
      throw new RangeError("Axis 3 is out of range");
    },
    RangeError,
    "Axis 3",
  );
  a.assertInstanceOf(error, RangeError);
  throwsAssertion(() => a.assertThrows(() => 1));
  throwsAssertion(() =>
    a.assertThrows(
      () => {
        throw new TypeError("x");
      },
      RangeError,
    )
  );
  throwsAssertion(() =>
    a.assertThrows(
      () => {
        throw new TypeError("x");
      },
      TypeError,
      "y",
    )
  );
});

Deno.test("assertRejects() checks the class and the message", async () => {
  const error = await a.assertRejects(
    () => Promise.reject(new TypeError("bad config")),
    TypeError,
    "config",
  );
  a.assertEquals(error.message, "bad config");
  await a.assertRejects(
    () => a.assertRejects(() => Promise.resolve(1)),
    a.AssertionError,
    "to reject",
  );
});

Deno.test("the small assertions hold and fail", () => {
  a.assert(1);
  a.assertExists(0);
  a.assertFalse("");
  a.assertMatch("abc", /b/);
  a.assertStringIncludes("abc", "bc");
  a.assertArrayIncludes([1, [2]], [[2]]);
  a.assertGreater(2, 1);
  a.assertGreaterOrEqual(2, 2);
  a.assertLess(1, 2);
  a.assertLessOrEqual(2, 2);
  throwsAssertion(() => a.assert(0));
  throwsAssertion(() => a.assertExists(null));
  throwsAssertion(() => a.assertMatch("abc", /x/));
  throwsAssertion(() => a.assertStringIncludes("abc", "x"));
  throwsAssertion(() => a.assertArrayIncludes([1], [2]));
  throwsAssertion(() => a.assertInstanceOf([], Map));
  throwsAssertion(() => a.assertGreater(1, 1));
  throwsAssertion(() => a.assertLess(NaN, 1));
  throwsAssertion(() => a.fail());
});
