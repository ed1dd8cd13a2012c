// What the objectives of the reference cases are called here: one table, for the tests and for anyone who reads the cases.

import type { FakeScoreLossConfig } from "./fake_score_loss.ts";
import { fakeScoreLossSchema } from "./fake_score_loss.ts";
import type { ObjectiveInput } from "./make_objective.ts";
import type { NoiseWeight } from "./noise_weight.ts";

/** The entry `objective` of a case.json. */
export interface CaseObjective {
  readonly name: string;
  /** Whose loss it is: the generator's or the fake score's. */
  readonly trains: "generator" | "fake";
  readonly w?: string;
  readonly alpha_rew?: number;
  readonly alpha_cfg?: number;
  readonly fake_omega?: number;
  readonly distance?: "pseudo_huber" | "l2";
  readonly c?: number;
  readonly cfg_inside?: boolean;
  readonly sid_alpha?: number;
}

const WEIGHTS: Record<string, NoiseWeight["name"]> = {
  one: "constant",
  sigma2: "sigma2",
  sigma2_over_alpha2: "sigma2_over_alpha2",
  alpha2_over_sigma2: "snr",
};

const weight = ({ w }: CaseObjective): NoiseWeight["name"] => WEIGHTS[w ?? "one"];
const guidance = ({ alpha_cfg }: CaseObjective) => ({ alpha: alpha_cfg ?? 0 });
const fakeGuidance = ({ fake_omega }: CaseObjective) => ({ omega: fake_omega ?? 1 });
const plain = { normalization: "none", reduction: "sum" } as const;
const distance = ({ distance, c }: CaseObjective) => ({ distance: distance ?? "l2", ...(c ? { c } : {}) });

/** From the name of a case's objective to this package's configuration. */
const OBJECTIVES: Readonly<Record<string, (o: CaseObjective) => ObjectiveInput>> = {
  sds: (o) => ({ name: "sds", guidance: guidance(o), weight: weight(o) }),
  vsd: (o) => ({ name: "vsd", guidance: guidance(o), fake_guidance: fakeGuidance(o), weight: weight(o) }),
  diff_instruct: (o) => ({ name: "ikl", guidance: guidance(o), weight: weight(o), ...plain }),
  di_pp: (o) => ({ name: "dipp", alpha_rew: o.alpha_rew ?? 0, guidance: guidance(o), weight: weight(o), ...plain }),
  dmd_paper: (o) => ({ name: "dmd", guidance: guidance(o) }),
  dmd2: (o) => ({ name: "dmd2", guidance: guidance(o) }),
  sid: (o) =>
    o.fake_omega === undefined
      ? { name: "sid", guidance: guidance(o), alpha: o.sid_alpha ?? 1 }
      : { name: "sid_lsg", guidance: guidance(o), fake_guidance: fakeGuidance(o) },
  sim: (o) => ({ name: "sim", guidance: guidance(o), weight: weight(o), ...distance(o) }),
  di_star: (o) => ({
    name: "distar",
    alpha_rew: o.alpha_rew ?? 0,
    guidance: guidance(o),
    weight: weight(o),
    cfg: o.cfg_inside ? "inside" : "outside",
    ...distance(o),
  }),
  reward_only: (o) => ({ name: "draft1", alpha_rew: o.alpha_rew ?? 1 }),
};

/** The configuration of a case that trains the generator. */
export function objectiveOfCase(objective: CaseObjective): ObjectiveInput {
  const build = OBJECTIVES[objective.name];
  if (build) return build(objective);
  throw new RangeError(`No objective is called "${objective.name}" in the cases, expected ${Object.keys(OBJECTIVES)}`);
}

/** The configuration of a case that trains the fake score. */
export function fakeScoreLossOfCase(objective: CaseObjective): FakeScoreLossConfig {
  const target = /^fake_(eps|x0|score)/.exec(objective.name)?.[1];
  if (!target) throw new RangeError(`No fake-score loss is called "${objective.name}", expected fake_eps, _x0, _score`);
  return fakeScoreLossSchema.parse({
    target: target as FakeScoreLossConfig["target"],
    weight: weight(objective),
    reduction: objective.name.endsWith("_mse") ? "mean" : "sum",
  });
}
