import { assert, assertEquals } from "@std/assert";
import { compile, explain, init, scalar, type Tensor, tensor, treeLeaves } from "@dipp/tensor";
import { bestParams, commit, Learner } from "./learner.ts";

const learner = new Learner({
  lr: 0.1,
  betas: [0.9, 0.99],
  eps: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
  emaDecay: 0.5,
  schedule: { name: "constant_with_warmup", warmupSteps: 2 },
});

Deno.test("an update that is not finite leaves the whole state as it was", async () => {
  await init();
  const state = await learner.init({ w: tensor([4, 9]) });
  const step = compile(({ sign, lr }: Record<string, Tensor>) => {
    const loss = (state.params as { w: Tensor }).w.mul(sign).sqrt().sum();
    const update = learner.update(state, loss, lr);
    commit(state, update);
    return update.gradNorm;
  });
  const { params, optimizer, ema } = state.stored;
  const leaves = treeLeaves<Tensor>([params, optimizer.exp_avg!, optimizer.exp_avg_sq, ema!.shadow]);
  const values = () => Promise.all([...leaves, optimizer.step, ema!.step].map((leaf) => leaf.data()));
  const lr = scalar(0.1);
  const norm = await step({ sign: scalar(1), lr }).item();
  assert(Math.abs(norm - Math.hypot(1 / 4, 1 / 6)) < 1e-6);
  const before = await values();
  assert((before[0] as Float32Array)[0] < 4);
  assert(!Number.isFinite(await step({ sign: scalar(-1), lr }).item()));
  assertEquals(await values(), before);
  await step({ sign: scalar(1), lr }).item();
  assert((await values())[0][0] < before[0][0]);
});

Deno.test("the average is what is exported, and it has memory of its own", async () => {
  await init();
  const state = await learner.init({ w: tensor([[1, 2]]), b: tensor([3]) });
  const step = compile(({ lr }: Record<string, Tensor>) => {
    const { w, b } = state.params as Record<string, Tensor>;
    commit(state, learner.update(state, w.sum().add(b.sum()), lr));
    return lr.mul(1);
  });
  step({ lr: scalar(0.5) });
  step({ lr: scalar(0.5) });
  const { w } = bestParams(state) as Record<string, Tensor>;
  const [now, averaged] = [state.stored.params, w].map((t) => treeLeaves<Tensor>(t)[0]);
  assertEquals(w.shape, [1, 2]);
  assert((await now.data())[0] < (await averaged.data())[0]);
});

Deno.test("the learning rate follows its schedule", () => {
  assertEquals([0, 1, 2, 3].map((step) => learner.lr(step)), [0, 0.05, 0.1, 0.1]);
});

Deno.test("clipping, AdamW and the average of all parameters are a handful of dispatches, however many they are", async () => {
  await init();
  const plan = async (count: number) => {
    const entries = Array.from({ length: count }, (_, i) => [
      [`w${i}`, tensor(new Float32Array(6).fill(1), [2, 3])],
      [`b${i}`, tensor([1, 2])],
    ]).flat();
    const state = await learner.init(Object.fromEntries(entries));
    const leaves = treeLeaves<Tensor>(state.params);
    const { totals, kernels } = explain(({ lr }: { lr: Tensor }) => {
      // A gradient that takes no kernel of its own
      const loss = leaves.map((t) => t.sum()).reduce((a, b) => a.add(b)).mul(0);
      commit(state, learner.update(state, loss, lr));
      return {};
    }, { lr: scalar(0.1) });
    assertEquals(kernels.filter((k) => k.kind === "concat").length, 2);
    return totals.dispatches;
  };
  const [few, many] = [await plan(2), await plan(4)];
  // The loss and the gradients of each parameter, and the rest for both groups together
  assert(many - few <= 8, `${few} dispatches for 4 parameters, ${many} for 8`);
  assert(few <= 32, `${few} dispatches`);
});
