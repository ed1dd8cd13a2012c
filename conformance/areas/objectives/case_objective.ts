import { type FakeScoreLossConfig, fakeScoreLossSchema, type NoiseWeight, type ObjectiveInput } from "@dipp/objectives";
import { Skipped } from "../../area.ts";

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

function weight({ w = "one" }: CaseObjective): NoiseWeight["name"] {
  if (!Object.hasOwn(WEIGHTS, w)) throw new Skipped(`there is no weight "${w}"`);
  return WEIGHTS[w];
}

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

/**
 * The configuration of a case that trains the generator.
 *
 * @param objective What the case says of it.
 * @returns What dipp makes an objective of.
 * @throws {Skipped} If dipp has none of this name.
 */
export function objectiveOfCase(objective: CaseObjective): ObjectiveInput {
  if (!Object.hasOwn(OBJECTIVES, objective.name)) throw new Skipped(`there is no objective "${objective.name}"`);
  return OBJECTIVES[objective.name](objective);
}

/**
 * The configuration of a case that trains the fake score.
 *
 * @param objective What the case says of it.
 * @returns The loss's target, weight and reduction.
 * @throws {Skipped} If dipp has none of this name.
 */
export function fakeScoreLossOfCase(objective: CaseObjective): FakeScoreLossConfig {
  const target = /^fake_(eps|x0|score)/.exec(objective.name)?.[1];
  if (!target) throw new Skipped(`there is no fake-score loss "${objective.name}"`);
  return fakeScoreLossSchema.parse({
    target: target as FakeScoreLossConfig["target"],
    weight: weight(objective),
    reduction: objective.name.endsWith("_mse") ? "mean" : "sum",
  });
}
