import { cat, type Tensor } from "@dipp/tensor";
import { catCond, expandCond } from "./cond.ts";
import type { Cond, ScoreModel } from "./types.ts";

/**
 * The guidance scale omega of an implicit-reward weight alpha: `1 + alpha`.
 *
 * Two conventions are in use: omega, `s_∅ + omega (s_c - s_∅)`, where 1 means
 * no guidance (diffusers), and alpha, `s_c + alpha (s_c - s_∅)`, where 0 does
 * (Diff-Instruct++'s CFG reward).
 *
 * @param alpha Weight of the CFG reward.
 * @returns The guidance scale.
 */
export function omegaFromAlpha(alpha: number): number {
  return 1 + alpha;
}

/**
 * The implicit-reward weight of a guidance scale: `omega - 1`.
 *
 * @param omega Guidance scale.
 * @returns Weight of the CFG reward.
 */
export function alphaFromOmega(omega: number): number {
  return omega - 1;
}

/**
 * A score model under classifier-free guidance (Ho and Salimans 2022):
 * `s̃ = s_∅ + omega (s_c - s_∅)`, and likewise for x0 and eps, which are affine
 * in the score. Both branches go through the network as one batch.
 *
 * @param model The conditional score model.
 * @param omega Guidance scale; the number 1 leaves the model as it is, without
 *   evaluating the null branch. A scalar tensor may change from step to step.
 * @param nullCond The null condition, with 1 or B rows and the same fields as
 *   the conditions that will be passed.
 * @returns The guided score model.
 */
export function guided(
  model: ScoreModel,
  omega: number | Tensor,
  nullCond: Cond,
): ScoreModel {
  if (omega === 1) return model;
  return {
    schedule: model.schedule,
    predict(xt, t, cond) {
      const batch = xt.shape[0];
      const both = model.predict(
        cat([xt, xt], 0),
        cat([t, t], 0),
        catCond(expandCond(cond, batch), expandCond(nullCond, batch)),
      );
      const mix = (p: Tensor) => guide(p, omega);
      return {
        x0: mix(both.x0),
        eps: mix(both.eps),
        score: mix(both.score),
      };
    },
  };
}

/** `uncond + omega (cond - uncond)` of a stacked [2B, ...] prediction. */
function guide(stacked: Tensor, omega: number | Tensor): Tensor {
  const batch = stacked.shape[0] / 2;
  const cond = stacked.slice([[0, batch]]);
  const uncond = stacked.slice([[batch]]);
  return uncond.add(cond.sub(uncond).mul(omega));
}
