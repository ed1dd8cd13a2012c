/**
 * Measures where the time of a training step goes, kernel by kernel.
 *
 *     deno task profile CONFIG [--steps N] [--top K] [--json]
 *
 * @module
 */
import { init, profile, type Tensor } from "@dipp/tensor";
import { loadConfig } from "../packages/train/config/load_config.ts";
import { stackMetrics } from "../packages/train/run/trainer.ts";
import { makeStage } from "../packages/train/stages/make_stage.ts";
import { readFlags } from "./flags.ts";

const USAGE = `Usage: deno task profile CONFIG [--steps N] [--top K] [--json]

Runs the last step of a training configuration N times (3) and prints how long the device takes over its kernels: one
row for all that do equal work, the costliest K rows (30). Nothing is trained or written. --json prints the numbers.`;

const flags = readFlags(Deno.args, USAGE, { string: ["steps", "top"], boolean: ["json"] }, 1);
const number = (name: "steps" | "top", otherwise: number) => {
  const value = flags[name] === undefined ? otherwise : Number(flags[name]);
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`--${name} is ${flags[name]}, expected a whole number, 1 or more`);
  }
  return value;
};
const [path] = flags._;
if (path === undefined) throw new TypeError(`There is no configuration\n\n${USAGE}`);
const steps = number("steps", 3), top = number("top", 30);

const config = await loadConfig(path, []);
const device = await init();
const stage = await makeStage(config, { device, out: "", command: "", note: () => {} });
const step = (inputs: Record<string, Tensor>) => stackMetrics(stage.update(inputs));
const times = await profile(step, stage.inputs(config.steps - 1), { steps });
if (flags.json) {
  const { kernels, seconds, stepSeconds } = times;
  console.log(JSON.stringify({ adapter: device.name, seconds, stepSeconds, kernels: kernels.slice(0, top) }));
} else {
  console.log(`${path} on ${device.name}\n\n${times.toString(top)}`);
}
