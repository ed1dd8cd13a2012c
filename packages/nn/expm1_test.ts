import { assertAlmostEquals, assertEquals } from "@std/assert";
import { init, scalar, tensor } from "@dipp/tensor";
import { expm1, oneMinusPower } from "./expm1.ts";

Deno.test("expm1() keeps its relative accuracy near zero", async () => {
  await init();
  const x = Float32Array.from(
    { length: 400 },
    (_, i) => -(10 ** (-9 + i * 11 / 400)),
  );
  const actual = await expm1(tensor(x)).data();
  for (let i = 0; i < x.length; i++) {
    const expected = Math.expm1(x[i]);
    assertAlmostEquals(actual[i], expected, 1e-6 * Math.abs(expected));
  }
  assertEquals(await expm1(scalar(0)).item(), 0);
});

Deno.test("bias corrections are accurate at the first and the millionth step", async () => {
  await init();
  for (const beta of [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999]) {
    for (const t of [1, 2, 3, 10, 100, 1000, 20_000, 1_000_000, 16_000_001]) {
      const actual = oneMinusPower(beta, scalar(t, "i32"));
      const expected = -Math.expm1(t * Math.log(beta));
      const value = typeof actual === "number" ? actual : await actual.item();
      assertAlmostEquals(value, expected, 1e-6 * expected);
    }
  }
  assertEquals(oneMinusPower(0, scalar(3, "i32")), 1);
});
