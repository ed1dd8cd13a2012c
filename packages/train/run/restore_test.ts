import { assertEquals, assertRejects } from "@std/assert";
import { parseSafetensors, serialiseSafetensors } from "@dipp/nn";
import { compile, init, scalar, type Tensor, tensor } from "@dipp/tensor";
import { commit, Learner } from "./learner.ts";
import { restore, stateTensors } from "./restore.ts";

await init();

const learner = new Learner({
  lr: 0.1,
  betas: [0.9, 0.99],
  eps: 1e-8,
  weightDecay: 0.1,
  maxGradNorm: 1,
  emaDecay: 0.5,
  precision: "f16",
  schedule: { name: "constant_with_warmup", warmupSteps: 0 },
});
const start = () => ({ a: tensor([[1, 2, 3]]), b: tensor([4, 5]), c: tensor([[6], [7]]), d: tensor([8]) });

/** A checkpoint as a file gives it. */
async function written(state: Parameters<typeof stateTensors>[0]) {
  return parseSafetensors(serialiseSafetensors(await stateTensors(state))).tensors;
}

Deno.test("checkpoints hold parameters one behind another, and come back bit for bit", async () => {
  const state = await learner.init(start());
  const step = compile(({ lr }: { lr: Tensor }) => {
    const { a, b, c, d } = state.params as Record<string, Tensor>;
    const loss = a.square().sum().add(b.exp().sum()).add(c.matmul(a).sum()).add(d.square().sum());
    const update = learner.update(state, loss, lr);
    commit(state, update);
    return update.gradNorm;
  });
  step({ lr: scalar(0.1) });
  const first = await written({ model: state });
  // As they were stored when nothing lay between parameters
  assertEquals(first.get("model.params.matrices")!.shape, [5]);
  assertEquals(first.get("model.optimizer.exp_avg_sq.vectors")!.shape, [3]);
  const parameters = first.get("model.params.vectors")!.toFloat32();
  assertEquals([...parameters].map(Math.round), [4, 5, 8]);

  const norm = await step({ lr: scalar(0.1) }).item();
  const second = await written({ model: state });
  await restore({ model: state }, first);
  assertEquals(await written({ model: state }), first);
  assertEquals(await step({ lr: scalar(0.1) }).item(), norm);
  assertEquals(await written({ model: state }), second);
});

Deno.test("a checkpoint of another network is refused", async () => {
  const state = await learner.init(start());
  const other = await learner.init({ ...start(), d: tensor([8, 9]) });
  const tensors = await written({ model: other });
  await assertRejects(() => restore({ model: state }, tensors), RangeError, '"vectors" has 4 elements, expected 3');
  await assertRejects(() => restore({ teacher: state }, tensors), RangeError, "teacher.params.matrices");
});
