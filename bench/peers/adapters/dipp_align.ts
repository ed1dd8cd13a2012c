/** A step of a training configuration, as the command line runs it. */
import { compile, type Device, type Tensor } from "@dipp/tensor";
import { loadConfig } from "../../../packages/train/config/load_config.ts";
import { stackMetrics } from "../../../packages/train/run/trainer.ts";
import { makeStage } from "../../../packages/train/stages/make_stage.ts";

const ROOT = `${import.meta.dirname}/../../..`;

/** The step, which returns its metrics. */
export async function alignment(path: string, device: Device): Promise<() => Tensor[]> {
  const config = await loadConfig(`${ROOT}/${path}`, []);
  const stage = await makeStage(config, { device, out: "", command: "", note: () => {} });
  const step = compile((inputs: Record<string, Tensor>) => stackMetrics(stage.update(inputs)));
  let done = 0;
  return () => [step(stage.inputs(done++))];
}
