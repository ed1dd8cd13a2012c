/** What a discrete schedule asks of the times in a configuration. */
import type { TimeDistribution } from "@dipp/objectives";
import { ConfigError } from "../config/config_error.ts";
import type { DiffusersConfig, DiffusersModels } from "./diffusers_models.ts";

/**
 * Checks that times are timesteps of the model's scheduler.
 *
 * @param config The configuration.
 * @param models The model.
 * @throws {ConfigError} Where a distribution is of noise levels, or a timestep is beyond the last.
 */
export function checkDiffusersTimes(config: DiffusersConfig, { diffusion, generator }: DiffusersModels): void {
  const last = diffusion.scheduler.schedule.numTrainTimesteps - 1;
  const { objective, fake } = config;
  check("fake.loss.time", fake.loss.time, last);
  if ("time" in objective) check("objective.time", objective.time, last);
  if (generator.t !== undefined && generator.t > last) {
    throw new ConfigError(`generator.t is ${generator.t}, expected at most ${last}`);
  }
}

function check(path: string, time: TimeDistribution, last: number): void {
  if (time.name !== "uniform" && time.name !== "discrete") {
    throw new ConfigError(
      `${path} is "${time.name}", which draws noise levels, but the scheduler counts timesteps: expected "uniform" or ` +
        `"discrete"`,
    );
  }
  const most = time.name === "uniform" ? time.max : Math.max(...time.values);
  if (most > last) throw new ConfigError(`${path} goes up to ${most}, expected at most ${last}`);
}
