// Random programs mean on the device, fused, what their nodes mean one by one in
// double precision; their gradients are those of central differences. More of
// them: deno run -A packages/tensor/reference/soak.ts --cases N --seed S

import { assert, assertEquals } from "@std/assert";
import { init } from "./mod.ts";
import { checkGradient } from "./reference/check_gradient.ts";
import { checkSeed } from "./reference/check_seed.ts";
import { erf } from "./reference/elementwise.ts";
import { guardDevice } from "./testing_device.ts";

guardDevice();

const CASES = 40;

for (const [k, mode] of (["lazy", "gradient", "compiled"] as const).entries()) {
  Deno.test(`${CASES} random programs (${mode}) give what the reference gives`, async () => {
    await init();
    let [compared, undecided] = [0, 0];
    for (let i = 0; i < CASES; i++) {
      const outcome = await checkSeed(1000 * (k + 1) + i, 4 + i % 7, mode);
      assertEquals(outcome.failure, undefined, outcome.failure);
      compared += outcome.compared;
      undecided += outcome.undecided;
    }
    assert(compared > 50 * CASES && undecided < 0.2 * compared, `${compared} compared, ${undecided} undecided`);
  });
}

for (const order of [1, 2] as const) {
  Deno.test(`derivatives of order ${order} of random programs are those of central differences`, () => {
    let compared = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const outcome = checkGradient(seed, 3 + seed % 5, order);
      assertEquals(outcome.failure, undefined, outcome.failure);
      compared += outcome.compared;
    }
    assert(compared > 100, `${compared} compared`);
  });
}

Deno.test("the reference's error function is that of the tables", () => {
  for (const [x, y] of [[0, 0], [0.5, 0.5204998778130465], [2, 0.9953222650189527], [3, 0.9999779095030014]]) {
    assert(Math.abs(erf(x) - y) < 1e-14 && Math.abs(erf(-x) + y) < 1e-14, `erf(${x})`);
  }
});
