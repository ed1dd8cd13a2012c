import { lrSchedule, type LrScheduleName } from "@dipp/nn";
import type { Outputs } from "../../area.ts";
import type { GoldenCase } from "../../golden_case.ts";

interface LrConfig {
  readonly name: LrScheduleName;
  readonly base_lr: number;
  readonly warmup_steps?: number;
  readonly total_steps?: number;
  readonly num_cycles?: number;
  readonly power?: number;
  readonly lr_end?: number;
}

/** Learning rates from step 0, for as many steps as are stored: some lie beyond the end. */
export function lr(one: GoldenCase): Outputs {
  const c = one.field<LrConfig>("config");
  const rate = lrSchedule({
    name: c.name,
    lr: c.base_lr,
    warmupSteps: c.warmup_steps,
    totalSteps: c.total_steps,
    numCycles: c.num_cycles,
    power: c.power,
    lrEnd: c.lr_end,
  });
  return { learning_rates: Array.from({ length: one.output("learning_rates").size }, (_, step) => rate(step)) };
}
