/** A step of the main job: two updates of the fake score, one of the generator, with the reward. */
import type { Row } from "../row.ts";

/** A row for a configuration of `deno task train`. */
export function alignmentRow(name: string, config: string): Row {
  return {
    name: `${name} step`,
    target: { webgpu: 3, wasm: 3 },
    work: { op: "align", config },
    checked: 2,
    inputs: () => [],
  };
}
