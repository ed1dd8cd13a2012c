import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { compile, full, init, scalar, type Tensor, tensor } from "@dipp/tensor";
import { alphaFromOmega, type Cond, epsModel, guided, omegaFromAlpha, VPSchedule } from "./mod.ts";

await init();

const schedule = new VPSchedule();
let calls: number[] = [];

/** eps = x + the condition's first number; notes the batch of every call. */
const model = epsModel((x, _t, cond: Cond) => {
  calls.push(x.shape[0]);
  return x.add(cond.embeds!.slice([null, [0, 1], [0, 1]]).unsqueeze(3));
}, schedule);

const xt = tensor([1, 2, 3, 4], [2, 1, 1, 2]);
const t = full([2], 500);
const cond = { embeds: tensor([10, 20], [2, 1, 1]) };
const nullCond = { embeds: tensor([4], [1, 1, 1]) };

Deno.test("guided mixes both branches of one batch", async () => {
  calls = [];
  const p = guided(model, 3, nullCond).predict(xt, t, cond);
  assertEquals(calls, [4]);
  // eps = x + 4 + 3 (c - 4)
  assertEquals([...await p.eps.data()], [23, 24, 55, 56]);
});

Deno.test("guided keeps x0, eps and score consistent", async () => {
  const p = guided(model, 7.5, nullCond).predict(xt, t, cond);
  const ab = schedule.alphasCumprod[500];
  const [a, s] = [Math.sqrt(ab), Math.sqrt(1 - ab)];
  const [x0, eps, score, x] = await Promise.all([p.x0, p.eps, p.score, xt].map((v) => v.data()));
  x.forEach((value, i) => {
    assertAlmostEquals(a * x0[i] + s * eps[i], value, 1e-4);
    assertAlmostEquals(score[i], -eps[i] / s, 1e-4);
  });
});

Deno.test("omega 1 is the model itself: the null branch is not evaluated", () => {
  assertStrictEquals(guided(model, 1, nullCond), model);
  assertEquals([omegaFromAlpha(0), alphaFromOmega(7.5), omegaFromAlpha(6.5)], [1, 6.5, 7.5]);
});

Deno.test("omega 0 is the null branch", async () => {
  const p = guided(model, 0, nullCond).predict(xt, t, cond);
  assertEquals([...await p.eps.data()], [5, 6, 7, 8]);
});

Deno.test("omega may be an input of a compiled step", async () => {
  const step = compile(({ omega }: { omega: Tensor }) => guided(model, omega, nullCond).predict(xt, t, cond).eps);
  assertEquals([...await step({ omega: scalar(3) }).data()], [23, 24, 55, 56]);
  assertEquals([...await step({ omega: scalar(1) }).data()], [11, 12, 23, 24]);
});

Deno.test("conditions that do not fit are refused", () => {
  const three = { embeds: tensor([1, 2, 3], [3, 1, 1]) };
  const ids = { ids: tensor(new Int32Array([1, 2]), [2, 1]) };
  assertThrows(() => guided(model, 2, three).predict(xt, t, cond), RangeError, '"embeds" has 3 rows');
  const error = assertThrows(() => guided(model, 2, ids).predict(xt, t, cond), TypeError);
  assert(error.message.includes("[embeds] and [ids]"));
});
