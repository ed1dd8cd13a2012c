/**
 * What a training step costs before its first kernel runs, in JavaScript alone: building its graph (forward, backward,
 * optimiser) and planning it (grouping, lowering to WGSL, order, memory). Compiling by the driver is not in it.
 *
 *     deno bench --allow-read --allow-env --allow-ffi bench/trace_bench.ts
 *
 * The plans' sums are printed first.
 *
 * @module
 */

import { explain, init, type Tensor } from "../packages/tensor/mod.ts";
import { describePlan, targetOf } from "../packages/tensor/schedule/describe.ts";
import { startedBackend } from "../packages/tensor/runtime/device.ts";
import { trace } from "../packages/tensor/runtime/trace.ts";
import { loadConfig } from "../packages/train/config/load_config.ts";
import { stackMetrics } from "../packages/train/run/trainer.ts";
import { makeStage } from "../packages/train/stages/make_stage.ts";

const device = await init();
console.log(`Adapter: ${device.name} (${device.adapterClass})`);

for (const name of ["teacher-dit", "teacher-unet", "align-dit"]) {
  const config = await loadConfig(`examples/emoji/${name}.json`, []);
  const stage = await makeStage(config, { device, out: "", command: "", note: () => {} });
  const inputs = stage.inputs(config.steps - 1);
  const step = (tensors: Record<string, Tensor>) => stackMetrics(stage.update(tensors));
  console.log(`${name}: ${`${explain(step, inputs)}`.split("\n").slice(-2).join("\n  ")}`);

  const target = targetOf(startedBackend());
  const settings = { group: name, n: 5, warmup: 1 };
  Deno.bench({
    ...settings,
    name: `${name}: build the graph`,
    fn() {
      trace(step, inputs);
    },
  });
  Deno.bench({
    ...settings,
    name: `${name}: plan it`,
    fn(b) {
      const { outputs, assignments } = trace(step, inputs);
      b.start();
      describePlan(outputs, assignments, target);
      b.end();
    },
  });
}
