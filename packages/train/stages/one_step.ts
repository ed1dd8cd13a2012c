import type { StageConfig } from "../config/schema.ts";
import type { RunContext } from "../run/context.ts";
import type { Stage } from "../run/stage.ts";
export function oneStepStage(
  _config: StageConfig<"align"> | StageConfig<"distill">,
  _context: RunContext,
): Promise<Stage> {
  throw new Error("to come");
}
