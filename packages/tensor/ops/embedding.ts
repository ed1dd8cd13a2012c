/** Sinusoidal embedding of time steps. */
import { tensor } from "../creation.ts";
import type { Tensor } from "../tensor.ts";
import { cat } from "./indexing.ts";

/** Settings of a sinusoidal embedding, named as in diffusers. */
export interface TimestepEmbeddingOptions {
  /** Cosines first. */
  readonly flipSinToCos?: boolean;
  /** Subtracted from half the width in the exponent's denominator; 1 by default as in diffusers. */
  readonly downscaleFreqShift?: number;
  /** Longest period. */
  readonly maxPeriod?: number;
  /** Factor on the angles. */
  readonly scale?: number;
}

/**
 * Sines and cosines of t at geometrically spaced frequencies (diffusers' get_timestep_embedding).
 *
 * @param t [B].
 * @param dim Width of the embedding; an odd width ends with a zero.
 * @returns [B, dim].
 */
export function timestepEmbedding(
  t: Tensor,
  dim: number,
  options: TimestepEmbeddingOptions = {},
): Tensor {
  const {
    flipSinToCos = false,
    downscaleFreqShift = 1,
    maxPeriod = 10000,
    scale = 1,
  } = options;
  const half = Math.floor(dim / 2);
  // On the host in float64: a device's exp errs by enough to turn a large angle visibly
  const frequency = tensor(
    Float32Array.from({ length: half }, (_, k) => Math.exp(-Math.log(maxPeriod) * k / (half - downscaleFreqShift))),
  );
  const angle = t.cast("f32").unsqueeze(1).mul(frequency).mul(scale);
  const parts = [angle.sin(), angle.cos()];
  const embedding = cat(flipSinToCos ? parts.reverse() : parts, 1);
  return dim % 2 === 1 ? embedding.pad([[0, 0], [0, 1]]) : embedding;
}
