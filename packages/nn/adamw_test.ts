import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { compile, type DType, init, key, scalar, type Tensor, tensor } from "@dipp/tensor";
import { adam, type AdamOptions, adamw } from "./adamw.ts";
import { loadParams, paramsToSafetensors, saveParams } from "./checkpoint.ts";
import { normal } from "./init.ts";
import { assignTree, flattenParams, gradTree, type Params, realizeParams } from "./params.ts";
import { readSafetensors } from "./safetensors.ts";

/** A compiled step on the loss sum(w^4) + sum(b^2), and what it changes. */
function trainer(
  params: { w: Tensor; b: Tensor },
  state: Params,
  options: AdamOptions,
) {
  const optimiser = adamw(options);
  return compile(({ lr }: { lr: Tensor }) => {
    const loss = params.w.square().square().sum().add(params.b.square().sum());
    const grads = gradTree(loss, params);
    const next = optimiser.update(params, grads, state as never, { lr });
    assignTree(params, next.params);
    assignTree(state, next.state);
    return loss;
  });
}

const start = () => ({
  w: normal(key(1), [5, 7]),
  b: normal(key(2), [3]),
});

Deno.test("a saved and reloaded run continues bit for bit", async () => {
  await init();
  for (const beta1 of [0, 0.9]) {
    const options = { betas: [beta1, 0.99], amsgrad: beta1 > 0 } as const;
    const fresh = () => adamw(options).init(start());
    const params = await realizeParams(start());
    const state = await realizeParams(fresh());
    const step = trainer(params, state, options);
    for (let i = 0; i < 5; i++) step({ lr: scalar(0.01 * (i + 1)) });
    const path = await Deno.makeTempFile({ suffix: ".safetensors" });
    await saveParams(path, { params, state });
    for (let i = 5; i < 10; i++) step({ lr: scalar(0.01 * (i + 1)) });

    const { tensors } = await readSafetensors(path);
    const template = { params: start(), state: fresh() };
    const again = await realizeParams(loadParams(template, tensors));
    const resumed = trainer(again.params, again.state, options);
    for (let i = 5; i < 10; i++) resumed({ lr: scalar(0.01 * (i + 1)) });
    assertEquals(
      await paramsToSafetensors(again),
      await paramsToSafetensors({ params, state }),
    );
    assertEquals(await again.state.step.item(), 10);
    await Deno.remove(path);
  }
});

Deno.test("the first moment is not kept when beta1 is 0", () => {
  const names = (
    options: AdamOptions,
  ) => [...flattenParams(adam(options).init({ w: scalar(1) })).keys()];
  assertEquals(names({ betas: [0, 0.9] }), ["step", "exp_avg_sq.w"]);
  assertEquals(names({ amsgrad: true }), [
    "step",
    "exp_avg.w",
    "exp_avg_sq.w",
    "max_exp_avg_sq.w",
  ]);
});

Deno.test("half-precision parameters keep their dtype and float32 moments", async () => {
  await init();
  for (const dtype of ["f16", "bf16"] satisfies DType[]) {
    const params = { w: tensor([1, 2], [2], dtype) };
    const optimiser = adamw({ lr: 0.5, weightDecay: 0 });
    const next = optimiser.update(
      params,
      { w: tensor([3, -3], [2], dtype) },
      optimiser.init(params),
    );
    assertEquals(next.params.w.dtype, dtype);
    assertEquals([...await next.params.w.data()], [0.5, 2.5]);
    const moments = flattenParams(next.state.exp_avg_sq).get("w")!;
    assertEquals(moments.dtype, "f32");
    assertAlmostEquals((await moments.data())[0], 9e-3, 1e-8);
  }
});

Deno.test("the learning rate may be a number, a scalar or one element", async () => {
  await init();
  const optimiser = adamw({ lr: 0.5, weightDecay: 0 });
  const params = { w: tensor([1]) };
  const after = async (options?: { lr: Tensor | number }) => {
    const state = optimiser.init(params);
    const grads = { w: tensor([4]) };
    return await optimiser.update(params, grads, state, options).params.w
      .item();
  };
  for (const lr of [0.25, scalar(0.25), tensor([0.25])]) {
    assertAlmostEquals(await after({ lr }), 0.75, 1e-6);
  }
  assertAlmostEquals(await after(), 0.5, 1e-6);
});

Deno.test("bad settings are refused", () => {
  assertThrows(() => adamw({ lr: -1 }), RangeError, "lr is -1");
  assertThrows(
    () => adamw({ betas: [0.9, 1] }),
    RangeError,
    "betas[1] is 1, expected a number in [0, 1)",
  );
  assertThrows(() => adam({ eps: NaN }), RangeError, "eps is NaN");
  assertThrows(
    () => adam({ weightDecay: -0.1 }),
    RangeError,
    "weightDecay is -0.1, expected a number at least 0",
  );
});
