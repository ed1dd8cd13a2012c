/** The step of a stage, with products multiplied in what the configuration says. */
import { matmulPrecision } from "@dipp/tensor";
import type { Config } from "../config/schema.ts";
import type { RunContext } from "../run/context.ts";
import type { Stage } from "../run/stage.ts";

/**
 * A stage whose steps multiply 16-bit factors in `config.arithmetic`.
 *
 * @param stage The stage.
 * @param arithmetic What to multiply in.
 */
export function withArithmetic(stage: Stage, arithmetic: Config["arithmetic"]): Stage {
  return { ...stage, update: (inputs) => matmulPrecision(arithmetic, () => stage.update(inputs)) };
}

/**
 * Checks that the device multiplies as the configuration says.
 *
 * @throws {TypeError} Where it does not.
 */
export function checkArithmetic(
  { arithmetic }: Pick<Config, "arithmetic">,
  { device }: Pick<RunContext, "device">,
): void {
  if (arithmetic === "f32" || device.features.has("shader-f16")) return;
  throw new TypeError(
    `arithmetic is "f16", but ${device.name} lacks the feature shader-f16: expected "f32", which precision "f16" goes with, too`,
  );
}
