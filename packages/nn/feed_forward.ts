/**
 * The feed-forward half of a transformer block, diffusers' `FeedForward`.
 *
 * @module
 */

import { fold, gelu, geluTanh, split, type Tensor } from "@dipp/tensor";
import * as linear from "./linear.ts";
import type { LinearParams } from "./linear.ts";

/**
 * `geglu`: x gelu(gate), both projected (Stable Diffusion); `gelu`: the exact
 * one; `gelu-approximate`: its tanh form (PixArt, DiT).
 */
export type FeedForwardActivation = "geglu" | "gelu" | "gelu-approximate";

/** The parameters of a feed-forward layer: `net.0.proj` and `net.2`. */
export type FeedForwardParams = {
  /** Projection in, dropout (which holds nothing), projection out. */
  net: [{ proj: LinearParams }, Record<never, never>, LinearParams];
};

/** The shape of a feed-forward layer. */
export interface FeedForwardOptions {
  /** The size of the output. Default that of the input. */
  readonly dimOut?: number;
  /** The width of the hidden layer over that of the input. Default 4. */
  readonly mult?: number;
  /** Default `geglu`. */
  readonly activation?: FeedForwardActivation;
}

/**
 * Draws the parameters.
 *
 * @param key the random key
 * @param dim the size of the last axis of the input
 * @param options see {@linkcode FeedForwardOptions}
 * @returns the parameters
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { feedForward } from "@dipp/nn";
 * import { key, ones } from "@dipp/tensor";
 *
 * const params = feedForward.init(key(0), 8, { activation: "geglu" });
 * const y = feedForward.apply(params, ones([2, 5, 8]), "geglu");
 * assertEquals(y.shape, [2, 5, 8]);
 * ```
 */
export function init(
  key: Tensor,
  dim: number,
  options: FeedForwardOptions = {},
): FeedForwardParams {
  const { dimOut = dim, mult = 4, activation = "geglu" } = options;
  const inner = Math.trunc(dim * mult);
  const width = activation === "geglu" ? 2 * inner : inner;
  return {
    net: [
      { proj: linear.init(fold(key, 0), dim, width) },
      {},
      linear.init(fold(key, 1), inner, dimOut),
    ],
  };
}

/**
 * Applies the layer.
 *
 * Source: Shazeer, "GLU Variants Improve Transformer", arXiv 2002.05202, eq. 5
 * (GEGLU).
 *
 * @param params the parameters
 * @param x [..., dim]
 * @param activation the one the parameters were made for
 * @returns [..., dimOut]
 */
export function apply(
  params: FeedForwardParams,
  x: Tensor,
  activation: FeedForwardActivation = "geglu",
): Tensor {
  const [{ proj }, , out] = params.net;
  return linear.apply(out, activate(linear.apply(proj, x), activation));
}

function activate(h: Tensor, activation: FeedForwardActivation): Tensor {
  switch (activation) {
    case "gelu":
      return gelu(h);
    case "gelu-approximate":
      return geluTanh(h);
    case "geglu": {
      const half = h.shape[h.ndim - 1] / 2;
      const [value, gate] = split(h, [half, half], h.ndim - 1);
      return value.mul(gelu(gate));
    }
    default:
      throw new RangeError(
        `Feed-forward activation is "${activation}", expected geglu, gelu or ` +
          `gelu-approximate`,
      );
  }
}
