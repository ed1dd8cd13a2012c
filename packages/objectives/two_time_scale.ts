/**
 * How often the generator moves and how often the fake score does: the two-time-scale rule of DMD2 (arXiv 2405.14867,
 * section 4.2; every 5 or 10) and K_TA of Diff-Instruct++ (algorithm 1).
 */
export interface TwoTimeScale {
  /** Updates of the fake score in each step (K_TA). */
  readonly fakeUpdates: number;
  /** The generator moves in one step of so many. */
  readonly generatorEvery: number;
  /** Steps of the fake score alone before the generator's first. */
  readonly warmupSteps: number;
}

/**
 * The number of generator updates before a step, or nothing where the generator rests in that step. Its first update
 * is in the first step after the warm-up.
 *
 * @param rule the rule
 * @param step counted from 0
 * @returns the generator's own step, counted from 0, or null
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { generatorStep } from "@dipp/objectives";
 *
 * const rule = { fakeUpdates: 1, generatorEvery: 2, warmupSteps: 1 };
 * assertEquals([0, 1, 2, 3].map((step) => generatorStep(rule, step)), [null, 0, null, 1]);
 * ```
 */
export function generatorStep({ generatorEvery, warmupSteps }: TwoTimeScale, step: number): number | null {
  const since = step - warmupSteps;
  return since >= 0 && since % generatorEvery === 0 ? since / generatorEvery : null;
}
