import type { MergeableMetric } from "./metric.ts";

const FORMAT = "dipp.metric";

/**
 * What a metric has seen, as text: a shard of an evaluation writes it, and the process that puts the shards together
 * reads it with {@linkcode mergeMetric}. JSON writes the shortest digits that give a double back, so nothing is lost.
 *
 * @param metric the metric
 * @returns JSON with the metric's name and state
 */
export function saveMetric(metric: MergeableMetric<unknown>): string {
  return JSON.stringify({ format: FORMAT, name: metric.name, state: metric.state() });
}

/**
 * Adds what another instance of a metric has seen, from {@linkcode saveMetric}.
 *
 * @param metric the metric to add to
 * @param text what was saved
 * @throws {SyntaxError} when the text is not JSON
 * @throws {TypeError} when it is no saved metric, or of another metric
 *
 * @example Two shards
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { MeanReward, mergeMetric, saveMetric } from "@dipp/metrics";
 * import { brightnessReward } from "@dipp/rewards";
 * import { ones, tensor, zeros } from "@dipp/tensor";
 *
 * const [a, b] = [new MeanReward(brightnessReward()), new MeanReward(brightnessReward())];
 * await a.update(zeros([1, 3, 4, 4]), { ids: tensor([[1]], [1, 1], "i32") });
 * await b.update(ones([3, 3, 4, 4]), { ids: tensor([[1], [1], [1]], [3, 1], "i32") });
 * mergeMetric(a, saveMetric(b));
 * assertEquals((await a.compute()).mean, 0.75);
 * ```
 */
export function mergeMetric<State>(metric: MergeableMetric<State>, text: string): void {
  const saved = JSON.parse(text) as { format?: unknown; name?: unknown; state?: unknown } | null;
  if (saved === null || saved.format !== FORMAT) {
    throw new TypeError(`Saved metric has format ${JSON.stringify(saved?.format)}, expected "${FORMAT}"`);
  }
  if (saved.name !== metric.name) {
    throw new TypeError(`Saved metric is ${JSON.stringify(saved.name)}, expected "${metric.name}"`);
  }
  metric.merge(saved.state as State);
}
