import { assertEquals, assertThrows } from "@std/assert";
import { compile, init, scalar, type Tensor, tensor, treeLeaves } from "@dipp/tensor";
import { gradScaler } from "./grad_scaler.ts";
import { assignTree, realizeParams } from "./params.ts";

/** torch.amp.GradScaler.update, in numbers. */
function reference(finite: boolean[], interval: number): [scale: number, tracker: number][] {
  let [scale, tracker] = [65536, 0];
  return finite.map((isFinite) => {
    if (!isFinite) [scale, tracker] = [scale * 0.5, 0];
    else if (++tracker === interval) [scale, tracker] = [scale * 2, 0];
    return [scale, tracker];
  });
}

Deno.test("the scale grows and gives way as torch.amp.GradScaler's does", async () => {
  await init();
  const scaler = gradScaler({ growthInterval: 3 });
  const state = await realizeParams(scaler.init());
  const step = compile(({ g, h }: Record<string, Tensor>) => {
    const { grads, isFinite } = scaler.unscale({ g, h }, state);
    assignTree(state, scaler.update(state, isFinite));
    return { first: grads.g.sum(), isFinite: isFinite.cast("i32") };
  });
  // Overflows at the start, in a row, just before growth, and in either gradient
  const bad = new Map([[0, NaN], [1, Infinity], [7, -Infinity], [8, NaN], [17, Infinity]]);
  const finite = Array.from({ length: 24 }, (_, i) => !bad.has(i));
  const expected = reference(finite, 3);
  let before = 65536;
  for (let i = 0; i < 24; i++) {
    const g = new Float32Array(40).fill(before);
    const h = new Float32Array(3);
    (i % 2 ? g : h)[i % 3] = bad.get(i) ?? (i % 2 ? before : 0);
    const { first, isFinite } = step({ g: tensor(g), h: tensor(h, [3], "f32") });
    assertEquals(await isFinite.item(), finite[i] ? 1 : 0, `step ${i}`);
    if (finite[i]) assertEquals(await first.item(), 40);
    assertEquals([await state.scale.item(), await state.growth_tracker.item()], expected[i], `step ${i}`);
    before = expected[i][0];
  }
});

Deno.test("the scale stays where it would become infinite, and 16-bit gradients are unscaled in f32", async () => {
  await init();
  const scaler = gradScaler({ growthInterval: 1 });
  const high = { scale: tensor([2 ** 127]).reshape([]), growth_tracker: scalar(0, "i32") };
  const next = scaler.update(high, tensor(1).cast("bool"));
  assertEquals([await next.scale.item(), await next.growth_tracker.item()], [2 ** 127, 0]);
  const { grads } = scaler.unscale({ g: tensor([1, 3], [2], "f16") }, scaler.init());
  assertEquals(treeLeaves<Tensor>(grads).map((g) => g.dtype), ["f32"]);
  assertEquals(await grads.g.data(), Float32Array.of(2 ** -16, 3 * 2 ** -16));
});

Deno.test("gradScaler() names a setting that is out of its range", () => {
  assertThrows(() => gradScaler({ backoffFactor: 1 }), RangeError, "backoffFactor is 1");
  assertThrows(() => gradScaler({ growthInterval: 0 }), RangeError, "growthInterval is 0");
  assertThrows(() => gradScaler({ initScale: -1 }), RangeError, "initScale is -1");
});
