import { assignTree, ema as makeEma, emaDecay, type EmaRule, realizeParams } from "@dipp/nn";
import { compile, stack, type Tensor } from "@dipp/tensor";
import type { Outputs } from "../../area.ts";
import type { GoldenCase } from "../../golden_case.ts";

interface EmaConfig {
  readonly ema: {
    readonly decay?: number;
    readonly update_after_step?: number;
    readonly min_decay?: number;
    readonly use_ema_warmup?: boolean;
    readonly inv_gamma?: number;
    readonly power?: number;
  };
  readonly half_life: {
    readonly batch: number;
    readonly half_life_images: number;
    readonly rampup_ratio: number | null;
  };
}

/** The averages of the rows of `weights` by the rules of diffusers and of EDM, and their decays. */
export async function ema(one: GoldenCase): Promise<Outputs> {
  const { ema: e, half_life: h } = one.field<EmaConfig>("config");
  const given = {
    decay: e.decay,
    updateAfterStep: e.update_after_step,
    minDecay: e.min_decay,
    useEmaWarmup: e.use_ema_warmup,
    invGamma: e.inv_gamma,
    power: e.power,
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const diffusers: EmaRule = { name: "diffusers", ...Object.fromEntries(known) };
  const halfLife: EmaRule = {
    name: "half_life",
    batch: h.batch,
    halfLifeImages: h.half_life_images,
    ...(h.rampup_ratio === null ? {} : { rampupRatio: h.rampup_ratio }),
  };
  const weights = one.input("weights");
  const decays = (rule: EmaRule) => Array.from({ length: weights.shape[0] }, (_, k) => emaDecay(rule, k + 1));
  return {
    diffusers_decays: decays(diffusers),
    diffusers_shadow: await averages(diffusers, weights),
    half_life_betas: decays(halfLife),
    half_life_shadow: await averages(halfLife, weights),
  };
}

/** The average after each row, computed by a compiled step. */
async function averages(rule: EmaRule, weights: Tensor): Promise<Tensor> {
  const average = makeEma(rule);
  const { w: rows } = await realizeParams({ w: weights });
  const row = async (k: number) => (await realizeParams({ w: rows.slice([[k, k + 1]]).squeeze(0) })).w;
  const state = await realizeParams(average.init({ w: await row(0) }));
  const step = compile(({ w }: { w: Tensor }) => {
    const next = average.update(state, { w });
    assignTree(state, next);
    return { w: next.shadow.w };
  });
  const shadows: Tensor[] = [];
  for (let k = 0; k < weights.shape[0]; k++) shadows.push(step({ w: await row(k) }).w);
  return stack(shadows, 0);
}
