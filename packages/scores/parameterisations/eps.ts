import { noiseLevel } from "../conversions.ts";
import type { NetworkFn, NoiseSchedule, ScoreModel } from "../types.ts";
import { meanChannels, predictionFromEps } from "./prediction.ts";

/**
 * A network that predicts the noise (`prediction_type: "epsilon"`; SD 1.5,
 * PixArt-alpha) as a score model.
 *
 * @param network The network, fed `x_t` and the timestep.
 * @param schedule Its forward process.
 * @returns The score model.
 */
export function epsModel(
  network: NetworkFn,
  schedule: NoiseSchedule,
): ScoreModel {
  return {
    schedule,
    predict: (xt, t, cond) =>
      predictionFromEps(
        xt,
        meanChannels(network(xt, t, cond), xt),
        noiseLevel(schedule, t),
      ),
  };
}
