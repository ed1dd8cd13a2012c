import { assert, assertEquals } from "@std/assert";
import { linear, type LinearParams } from "@dipp/nn";
import {
  compile,
  explain,
  init,
  key,
  mseLoss,
  placeholder,
  randn,
  scalar,
  type Tensor,
  tensor,
  treeLeaves,
} from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { bestParams, commit, Learner, type LearnerOptions } from "./learner.ts";
import { placeholders } from "./materialise.ts";

const OPTIONS: LearnerOptions = {
  lr: 0.1,
  betas: [0.9, 0.99],
  eps: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
  emaDecay: 0.5,
  precision: "f32",
  schedule: { name: "constant_with_warmup", warmupSteps: 2 },
};
const learner = new Learner(OPTIONS);

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

Deno.test("micro-batches move the parameters as the whole batch does, with less memory by the plan", async () => {
  await init();
  const [batch, parts, width] = [512, 4, 12];
  const x = await randn(key(1), [batch, width]).realize();
  const y = await x.mul(2).sin().realize();
  const layers = ["one", "two", "three"] as const;
  const start = Object.fromEntries(layers.map((name, i) => [name, linear.init(key(2 + i), width, width)]));
  const run = async (isParted: boolean) => {
    const learner = new Learner({ ...OPTIONS, lr: 0.01, maxGradNorm: 0.01 });
    const state = await learner.init(start);
    const lossOf = (x: Tensor, y: Tensor) => {
      const params = state.params as Record<string, LinearParams>;
      return mseLoss(layers.reduce((h, name) => linear.apply(params[name], h).silu(), x), y);
    };
    const rows = (t: Tensor, i: number) => t.slice([[i * batch / parts, (i + 1) * batch / parts]]);
    const micro = {
      count: parts,
      loss: (i: number, wait: (x: Tensor) => Tensor) => lossOf(wait(rows(x, i)), rows(y, i)),
    };
    const body = ({ lr }: Record<string, Tensor>) => {
      const update = learner.update(state, isParted ? micro : lossOf(x, y), lr);
      commit(state, update);
      return update.gradNorm;
    };
    const { memory } = explain(body, { lr: scalar(0.01) });
    const step = compile(body);
    const norms = [];
    for (let i = 0; i < 3; i++) norms.push(await step({ lr: scalar(0.01) }).item());
    const values = await Promise.all(treeLeaves<Tensor>(state.stored.params).map((t) => t.data()));
    return { memory, norms, values: values.flatMap((v) => [...v]) };
  };
  const whole = await run(false), parted = await run(true);
  assertClose(parted.norms, whole.norms, 1e-4, "the norms");
  assertClose(parted.values, whole.values, 1e-4, "the parameters");
  assert(parted.memory.least < 0.5 * whole.memory.least, `${parted.memory.least} of ${whole.memory.least} bytes`);
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

Deno.test("16 bits learn what f32 learns, with f32 parameters", async () => {
  await init();
  const x = await randn(key(1), [64, 12]).realize();
  const y = await x.mul(2).sin().matmul(randn(key(2), [12, 5])).realize();
  const losses: Record<string, number[]> = {};
  for (const precision of ["f32", "bf16", "f16"] as const) {
    const learner = new Learner({ ...OPTIONS, lr: 0.01, maxGradNorm: null, emaDecay: null, precision });
    const state = await learner.init({ one: linear.init(key(3), 12, 32), two: linear.init(key(4), 32, 5) });
    const dtypes = treeLeaves<Tensor>(state.params).map((p) => p.dtype);
    assertEquals(dtypes, [precision, "f32", precision, "f32"]);
    assertEquals(treeLeaves<Tensor>(bestParams(state)).map((p) => p.dtype), ["f32", "f32", "f32", "f32"]);
    const step = compile(({ lr }: Record<string, Tensor>) => {
      const { one, two } = state.params as Record<string, LinearParams>;
      const loss = mseLoss(linear.apply(two, linear.apply(one, x).silu()), y);
      commit(state, learner.update(state, loss, lr));
      return loss;
    });
    const all = Array.from({ length: 60 }, () => step({ lr: scalar(0.01) }));
    losses[precision] = await Promise.all(all.map((loss) => loss.item()));
  }
  const { f32, bf16, f16 } = losses;
  assert(f32[59] < 0.3 * f32[0], `${f32}`);
  // Relative roundings of 2^-9 and 2^-12 in every product
  for (let i = 0; i < 60; i++) {
    assert(Math.abs(bf16[i] - f32[i]) < 0.02 * f32[0], `bf16, step ${i}: ${bf16[i]} and ${f32[i]}`);
    assert(Math.abs(f16[i] - f32[i]) < 0.004 * f32[0], `f16, step ${i}: ${f16[i]} and ${f32[i]}`);
  }
  assert(bf16.some((loss, i) => loss !== f32[i]) && f16.some((loss, i) => loss !== f32[i]));
});

Deno.test("f16: a gradient that overflows is a step left out, and the scale gives way", async () => {
  await init();
  const learner = new Learner({ ...OPTIONS, precision: "f16" });
  const state = await learner.init({ w: tensor([[1, 2], [3, 4]]) });
  const step = compile(({ factor, size, lr }: Record<string, Tensor>) => {
    const loss = linear.apply({ weight: (state.params as { w: Tensor }).w }, factor).sum().mul(size);
    const update = learner.update(state, loss, lr);
    commit(state, update);
    return { gradNorm: update.gradNorm, lossScale: update.lossScale! };
  });
  const small = { factor: tensor([[0.01, 0.01]]), size: scalar(1e-6) };
  const large = { factor: tensor([[2, 2]]), size: scalar(1) };
  const lr = scalar(0.1);
  const weights = async () => [...await state.stored.params.matrices.data()];
  const first = step({ ...small, lr });
  assertEquals(await first.lossScale.item(), 65536);
  // 1e-8 is below f16's smallest number, unless it is scaled; two roundings of 2^-11
  assert(Math.abs(await first.gradNorm.item() - 2e-8) < 2e-8 * 2 ** -10);
  const before = await weights();
  // 2 x 65536 is beyond f16
  assertEquals(await step({ ...large, lr }).gradNorm.item(), 0);
  assertEquals(await weights(), before);
  const second = step({ ...large, lr });
  assertEquals(await second.lossScale.item(), 32768);
  assertEquals(await second.gradNorm.item(), 0);
  const third = step({ ...large, lr });
  assertEquals(await third.lossScale.item(), 16384);
  assert(Math.abs(await third.gradNorm.item() - 4) < 1e-2);
  assert((await weights()).every((w, i) => w < before[i]));
  assertEquals(await state.stored.scaler!.growth_tracker.item(), 1);
});

Deno.test("parameters of more than a gigabyte lie in several vectors", async () => {
  await init();
  const shapes = { a: [2 ** 14, 2 ** 14], b: [3, 3], c: [2 ** 13, 2 ** 13], d: [7] };
  const params = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, placeholder(shape)]));
  const state = await learner.init(params, placeholders);
  assertEquals(Object.keys(state.stored.params), ["matrices", "matrices_2", "vectors"]);
  const shapesOf = Object.entries(state.params as Record<string, Tensor>).map(([name, { shape }]) => [name, shape]);
  assertEquals(Object.fromEntries(shapesOf), shapes);
});
