import { assertEquals, assertThrows } from "@std/assert";
import { init, key, ones } from "@dipp/tensor";
import * as feedForward from "./feed_forward.ts";
import type { FeedForwardActivation } from "./feed_forward.ts";
import { normal } from "./init.ts";
import { flattenParams, realizeParams } from "./params.ts";
import { assertRows, erf, linearRows, rows } from "./reference.ts";

const gelu = (x: number) => x / 2 * (1 + erf(x / Math.SQRT2));
const geluTanh = (x: number) => x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const ACTIVATIONS: Record<FeedForwardActivation, (h: number[]) => number[]> = {
  "gelu": (h) => h.map(gelu),
  "gelu-approximate": (h) => h.map(geluTanh),
  "geglu": (h) => h.slice(0, h.length / 2).map((v, i) => v * gelu(h[h.length / 2 + i])),
};

for (const [name, activate] of Object.entries(ACTIVATIONS)) {
  Deno.test(`feed-forward with ${name} matches float64`, async () => {
    await init();
    const activation = name as FeedForwardActivation;
    const params = await realizeParams(
      feedForward.init(key(0), 6, { activation, mult: 2, dimOut: 5 }),
    );
    assertEquals([...flattenParams(params)].map(([k, t]) => `${k} ${t.shape}`), [
      `net.0.proj.weight ${activation === "geglu" ? 24 : 12},6`,
      `net.0.proj.bias ${activation === "geglu" ? 24 : 12}`,
      "net.2.weight 5,12",
      "net.2.bias 5",
    ]);
    const x = await normal(key(1), [2, 3, 6], 2).realize();
    const hidden = await linearRows(params.net[0].proj, await rows(x));
    await assertRows(
      feedForward.apply(params, x, activation),
      await linearRows(params.net[2], hidden.map(activate)),
    );
  });
}

Deno.test("an unknown activation is refused", () => {
  const params = feedForward.init(key(0), 4);
  assertThrows(
    () => feedForward.apply(params, ones([1, 4]), "swish" as never),
    RangeError,
    'activation is "swish", expected geglu, gelu or gelu-approximate',
  );
});
