import { noiseLevel } from "../conversions.ts";
import type { NetworkFn, NoiseSchedule, ScoreModel } from "../types.ts";
import { meanChannels, predictionFromX0 } from "./prediction.ts";

/**
 * A network that predicts the clean image (`prediction_type: "sample"`) as a
 * score model.
 *
 * @param network The network, fed `x_t` and the timestep.
 * @param schedule Its forward process.
 * @returns The score model.
 */
export function x0Model(
  network: NetworkFn,
  schedule: NoiseSchedule,
): ScoreModel {
  return {
    schedule,
    predict: (xt, t, cond) =>
      predictionFromX0(
        xt,
        meanChannels(network(xt, t, cond), xt),
        noiseLevel(schedule, t),
      ),
  };
}
