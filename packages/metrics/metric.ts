import type { Tensor } from "@dipp/tensor";
import type { Prompts } from "@dipp/rewards";

/**
 * A number, or several, about a stream of generated images. Batches go in with `update`, of any size and in any order;
 * sums are kept on the host in float64, so a metric never holds the whole stream on the device.
 *
 * @example A metric of one's own
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import type { Metric } from "@dipp/metrics";
 * import { tensor, zeros } from "@dipp/tensor";
 *
 * let count = 0;
 * const counter: Metric = {
 *   name: "images",
 *   update: (images) => Promise.resolve(void (count += images.shape[0])),
 *   compute: () => Promise.resolve(count),
 * };
 * await counter.update(zeros([5, 3, 8, 8]), { ids: tensor([[1]], [1, 1], "i32") });
 * assertEquals(await counter.compute(), 5);
 * ```
 */
export interface Metric {
  /** What it is called in a report. */
  readonly name: string;
  /**
   * Adds a batch.
   *
   * @param images `[B, 3, H, W]` in [0, 1]
   * @param prompts the prompt of each image
   */
  update(images: Tensor, prompts: Prompts): Promise<void>;
  /** The metric of everything so far; several numbers under their names. */
  compute(): Promise<number | Record<string, number>>;
}

/** A metric whose parts, computed in several places, can be put together: `merge` takes what `state` gave. */
export interface MergeableMetric<State> extends Metric {
  /** Everything seen so far, as a JSON value. */
  state(): State;
  /** Adds what another instance has seen. */
  merge(state: State): void;
}
