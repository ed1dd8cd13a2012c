import { type BetaSchedule, VPSchedule } from "@dipp/scores";

/** A discrete schedule as diffusers configures it. */
export interface BetaConfig {
  readonly num_train_timesteps?: number;
  readonly beta_schedule?: BetaSchedule;
  readonly beta_start?: number;
  readonly beta_end?: number;
}

/** The schedule of a configuration; what it leaves out is diffusers' default. */
export function scheduleOf(config: BetaConfig): VPSchedule {
  return new VPSchedule({
    numTrainTimesteps: config.num_train_timesteps ?? 1000,
    betaSchedule: config.beta_schedule ?? "linear",
    betaStart: config.beta_start ?? 1e-4,
    betaEnd: config.beta_end ?? 0.02,
  });
}
