import { assert } from "@std/assert";
import { grad, init, key, randn, tensor } from "@dipp/tensor";
import { EDMSchedule, x0Model } from "@dipp/scores";
import { fakeScoreLoss, fakeScoreLossSchema } from "./fake_score_loss.ts";

await init();

Deno.test("fakeScoreLoss() does not train the generator", async () => {
  const x0 = await randn(key(1), [3, 2, 2, 2]).realize();
  const slope = await tensor([0.5]).realize();
  const fake = x0Model((xt) => xt.mul(slope), new EDMSchedule());
  const batch = { x0, t: tensor([0.1, 1, 10]), eps: randn(key(2), [3, 2, 2, 2]), cond: {} };
  for (const target of ["eps", "x0", "score"] as const) {
    const loss = fakeScoreLoss(batch, fake, fakeScoreLossSchema.parse({ target }));
    const [onX0, onSlope] = await Promise.all(grad(loss, [x0, slope]).map((g) => g.data()));
    assert(onX0.every((g) => g === 0) && onSlope[0] !== 0, `${target}: ${onX0}, ${onSlope}`);
  }
});
