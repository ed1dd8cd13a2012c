import { epsFromV, noiseLevel, scoreFromEps, x0FromV } from "../conversions.ts";
import type { NetworkFn, NoiseSchedule, ScoreModel } from "../types.ts";
import { meanChannels } from "./prediction.ts";

/**
 * A network that predicts the velocity `alpha eps - sigma x_0`
 * (`prediction_type: "v_prediction"`; Salimans and Ho 2022, SD 2.x) as a score
 * model.
 *
 * @param network The network, fed `x_t` and the timestep.
 * @param schedule Its forward process, variance preserving.
 * @returns The score model.
 */
export function vModel(
  network: NetworkFn,
  schedule: NoiseSchedule,
): ScoreModel {
  if (schedule.kind !== "vp") {
    throw new TypeError(
      `A v-prediction needs a variance-preserving schedule, got "${schedule.kind}"`,
    );
  }
  return {
    schedule,
    predict(xt, t, cond) {
      const v = meanChannels(network(xt, t, cond), xt);
      const level = noiseLevel(schedule, t);
      const eps = epsFromV(xt, v, level);
      return {
        x0: x0FromV(xt, v, level),
        eps,
        score: scoreFromEps(eps, level),
      };
    },
  };
}
