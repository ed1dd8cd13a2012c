import { embedding, type EmbeddingParams } from "@dipp/nn";
import { type Tensor, tensor } from "@dipp/tensor";
import type { T5Config } from "./config.ts";

/**
 * The class of a distance between two tokens: half of the classes for each direction, of which half are for one distance
 * each and the others for ranges that grow geometrically (Raffel et al. 2020, section 2.1; transformers'
 * `_relative_position_bucket`).
 *
 * @param distance Position of the key minus that of the query.
 * @param buckets Number of classes, a multiple of 4.
 * @param longest From which distance on all are of one class.
 * @returns The class, 0 up to but without `buckets`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { relativeBucket } from "@dipp/scores";
 *
 * assertEquals([-200, -3, 0, 3, 200].map((d) => relativeBucket(d, 32, 128)), [15, 3, 0, 19, 31]);
 * ```
 */
export function relativeBucket(distance: number, buckets: number, longest: number): number {
  const each = buckets / 2;
  const exact = each / 2;
  const n = Math.abs(distance);
  const start = distance > 0 ? each : 0;
  if (n < exact) return start + n;
  // In single precision, whose rounding decides at the edges of the ranges
  const log = Math.fround(Math.fround(Math.log(n / exact)) / Math.fround(Math.log(longest / exact)));
  return start + Math.min(exact + Math.floor(Math.fround(log * (each - exact))), each - 1);
}

/**
 * What every attention of the encoder adds to its logits.
 *
 * @param params One number a head for each class of distances, `[buckets, heads]`.
 * @param length L, the number of tokens.
 * @param config The encoder's configuration.
 * @returns `[1, heads, L, L]`.
 */
export function relativeBias(params: EmbeddingParams, length: number, config: T5Config): Tensor {
  const { relative_attention_num_buckets: buckets, relative_attention_max_distance: longest } = config;
  const classes = Int32Array.from(
    { length: length * length },
    (_, i) => relativeBucket(i % length - Math.floor(i / length), buckets, longest),
  );
  return embedding.apply(params, tensor(classes, [length, length])).permute([2, 0, 1]).unsqueeze(0);
}
