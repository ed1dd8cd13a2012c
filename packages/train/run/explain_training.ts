/** A look at a stage's step before it runs. */
import { explain, type Explanation, init } from "@dipp/tensor";
import type { Config } from "../config/schema.ts";
import { planStage } from "../stages/make_stage.ts";
import type { NamedTensors } from "./stage.ts";
import { stackMetrics } from "./trainer.ts";

/**
 * The plan of a stage's last step, which does everything that any of its steps does: kernels, operations, memory.
 *
 * @param config A complete configuration.
 * @returns The plan; nothing was trained or written.
 */
export async function explainTraining(config: Config): Promise<Explanation> {
  const device = await init();
  const stage = await planStage(config, { device, out: "", command: "", note: () => {} });
  await stage.prepare?.(config.steps - 1);
  try {
    return explain((inputs: NamedTensors) => stackMetrics(stage.update(inputs)), stage.inputs(config.steps - 1));
  } finally {
    stage.close?.();
  }
}
