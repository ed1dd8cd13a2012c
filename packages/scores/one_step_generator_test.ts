import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { grad, init, scalar, type Tensor, tensor } from "@dipp/tensor";
import { edmModel, epsModel, OneStepGenerator, VPSchedule } from "./mod.ts";

await init();

const z = tensor([0.5, -1, 2, 0.25], [2, 2, 1, 1]);
const schedule = new VPSchedule();

/** A network that notes what it is fed and returns 0. */
function spy(): { fed: Tensor[]; network: (x: Tensor, t: Tensor) => Tensor } {
  const fed: Tensor[] = [];
  return {
    fed,
    network: (x, t) => {
      fed.push(x, t);
      return x.mul(0);
    },
  };
}

Deno.test("EDM form: D(sigma z; sigma)", async () => {
  const { fed, network } = spy();
  const generator = new OneStepGenerator(edmModel(network, { sigmaData: 0.5 }), { sigmaInit: 2.5 });
  const x0 = await generator.generate(z, {}).data();
  const cSkip = 0.25 / (6.25 + 0.25);
  assertAlmostEquals(x0[2], cSkip * 2.5 * 2, 1e-6);
  assertAlmostEquals((await fed[0].data())[2], 5 / Math.sqrt(6.5), 1e-6);
  assertAlmostEquals((await fed[1].data())[1], Math.log(2.5) / 4, 1e-6);
});

Deno.test("SiD-LSG form: a noised zero image at the timestep of sigma 2.5", async () => {
  const { fed, network } = spy();
  const generator = new OneStepGenerator(epsModel(network, schedule), { sigmaInit: 2.5 });
  assertEquals(generator.t, 625);
  const x0 = await generator.generate(z, {}).data();
  const ab = schedule.alphasCumprod[625];
  assertAlmostEquals((await fed[0].data())[1], -Math.sqrt(1 - ab), 1e-6);
  assertEquals([...await fed[1].data()], [625, 625]);
  assertAlmostEquals(x0[1], -Math.sqrt((1 - ab) / ab), 1e-5);
});

Deno.test("DMD2 form: unit noise at the last timestep", async () => {
  const { fed, network } = spy();
  const generator = new OneStepGenerator(epsModel(network, schedule), { t: 999, input: "unit" });
  const x0 = await generator.generate(z, {}).data();
  assertEquals([...await fed[0].data()], [0.5, -1, 2, 0.25]);
  // 1 / alpha_999 amplifies 14.6-fold.
  assertAlmostEquals(x0[0], 0.5 / 0.068265, 1e-3);
});

Deno.test("gradients reach the network's parameters", async () => {
  const w = await scalar(0.3).realize();
  const generator = new OneStepGenerator(epsModel((x) => x.mul(w), schedule), { t: 399 });
  const [dw] = grad(generator.generate(z, {}).sum(), [w]);
  const ab = schedule.alphasCumprod[399];
  // x0 = (sigma z - sigma w sigma z) / alpha
  assertAlmostEquals(await dw.item(), -(1 - ab) / Math.sqrt(ab) * 1.75, 1e-5);
});

Deno.test("contradictory options are refused", () => {
  const model = epsModel((x) => x, schedule);
  assertThrows(() => new OneStepGenerator(model, {}), TypeError, "exactly one");
  assertThrows(() => new OneStepGenerator(model, { t: 1, sigmaInit: 2 }), TypeError, "exactly one");
  assertThrows(() => new OneStepGenerator(model, { t: 1, input: "ve" }), TypeError, '"ve"');
});
