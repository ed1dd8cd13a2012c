import { linear, type LinearParams } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import { ACTIVATIONS } from "../activation.ts";
import { normalLinear } from "../normal_linear.ts";
import type { T5Config } from "./config.ts";

/** Parameters of T5's feed-forward, with transformers' names: `wi` of T5, `wi_0` and `wi_1` of v1.1; no biases. */
export type T5FeedForwardParams = {
  /** Projection in. */
  wi?: LinearParams;
  /** Projection in, through the activation. */
  wi_0?: LinearParams;
  /** Projection in, past the activation. */
  wi_1?: LinearParams;
  /** Projection out. */
  wo: LinearParams;
};

/**
 * Draws the parameters as T5 does.
 *
 * @param key The random key.
 * @param config The encoder's configuration.
 * @returns The parameters.
 */
export function init(key: Tensor, config: T5Config): T5FeedForwardParams {
  const { d_model: width, d_ff: hidden } = config;
  const into = (n: number) => normalLinear(fold(key, n), [hidden, width], width ** -0.5, false);
  return {
    ...(config.gated ? { wi_0: into(0), wi_1: into(1) } : { wi: into(0) }),
    wo: normalLinear(fold(key, 2), [width, hidden], hidden ** -0.5, false),
  };
}

/**
 * `wo(act(wi_0 x) * wi_1 x)`, or `wo(act(wi x))` (Shazeer 2020, section 2).
 *
 * @param params The parameters.
 * @param x Tokens, `[B, L, d_model]`.
 * @param config The encoder's configuration.
 * @returns `[B, L, d_model]`.
 */
export function apply(params: T5FeedForwardParams, x: Tensor, config: T5Config): Tensor {
  const { wi, wi_0, wi_1, wo } = params;
  const h = ACTIVATIONS[config.activation](linear.apply((wi_0 ?? wi)!, x));
  return linear.apply(wo, wi_1 ? h.mul(linear.apply(wi_1, x)) : h);
}
