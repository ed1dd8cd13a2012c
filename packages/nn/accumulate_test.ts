import { assertEquals, assertThrows } from "@std/assert";
import { init, tensor } from "@dipp/tensor";
import { accumulate } from "./accumulate.ts";

Deno.test("accumulate() averages in float32 whatever the gradients are", async () => {
  await init();
  const { init: empty, add } = accumulate(4);
  let sum = empty({ w: tensor([0, 0], [2], "f16") });
  assertEquals(sum.w.dtype, "f32");
  for (const g of [2048, 1, 1, 2]) {
    sum = add(sum, { w: tensor([g, -g], [2], "f16") });
  }
  assertEquals([...await sum.w.data()], [513, -513]);
});

Deno.test("accumulate() refuses a number of batches that is not one", () => {
  for (const n of [0, -1, 1.5, NaN]) {
    assertThrows(() => accumulate(n), RangeError, `batches is ${n}`);
  }
});
