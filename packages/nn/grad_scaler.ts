/**
 * Dynamic loss scaling: gradients that 16-bit floats would lose are computed of a loss times a large number.
 *
 * @module
 */

import { full, scalar, type Tensor, treeLeaves, treeMap, where } from "@dipp/tensor";
import { checkRange } from "./optimiser.ts";
import type { Params } from "./params.ts";

/** The settings of {@linkcode gradScaler}, with the defaults of `torch.amp.GradScaler`. */
export interface GradScalerOptions {
  /** The scale to begin with. Default 65536. */
  readonly initScale?: number;
  /** What the scale grows by. Default 2. */
  readonly growthFactor?: number;
  /** What it shrinks by after a gradient that is not finite. Default 0.5. */
  readonly backoffFactor?: number;
  /** Steps in a row with finite gradients after which it grows. Default 2000. */
  readonly growthInterval?: number;
}

/** The state of a scaler, named as in PyTorch. */
export type GradScalerState = {
  /** The number that the loss is multiplied by, f32 []. */
  scale: Tensor;
  /** Steps since the scale changed, i32 []. */
  growth_tracker: Tensor;
};

/** A loss scaler: pure functions on a state that can be checkpointed. Nothing is read back. */
export interface GradScaler {
  /** Builds the state before the first step. */
  init(): GradScalerState;
  /** The loss to differentiate. */
  scaleLoss(loss: Tensor, state: GradScalerState): Tensor;
  /** The gradients of the loss itself, f32, and whether all of them are finite (bool []). */
  unscale<P extends Params>(grads: P, state: GradScalerState): { grads: P; isFinite: Tensor };
  /** Builds the state after a step whose gradients were all finite, or not. */
  update(state: GradScalerState, isFinite: Tensor): GradScalerState;
}

/**
 * Makes a loss scaler.
 *
 * Source: Micikevicius et al., "Mixed Precision Training", arXiv 1710.03740, section 3.2; the rule is that of
 * `torch.amp.GradScaler`.
 *
 * @param options see {@linkcode GradScalerOptions}
 * @returns the scaler
 * @throws {RangeError} when a setting is out of its range
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { gradScaler } from "@dipp/nn";
 * import { grad, init, tensor } from "@dipp/tensor";
 *
 * await init();
 * const scaler = gradScaler({ initScale: 1024 });
 * const state = scaler.init();
 * const w = tensor([3]);
 * const [scaled] = grad(scaler.scaleLoss(w.square().sum(), state), [w]);
 * const { grads, isFinite } = scaler.unscale({ w: scaled }, state);
 * assertEquals([await scaled.item(), await grads.w.item(), await isFinite.item()], [6144, 6, 1]);
 * assertEquals(await scaler.update(state, tensor(1).cast("bool")).growth_tracker.item(), 1);
 * ```
 */
export function gradScaler(options: GradScalerOptions = {}): GradScaler {
  const { initScale = 65536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 } = options;
  checkRange("initScale", initScale, Number.MIN_VALUE, Infinity);
  checkRange("growthFactor", growthFactor, 1, Infinity);
  checkRange("backoffFactor", backoffFactor, Number.MIN_VALUE, 1);
  if (!Number.isInteger(growthInterval) || growthInterval < 1) {
    throw new RangeError(`growthInterval is ${growthInterval}, expected a positive integer`);
  }
  return {
    init: () => ({ scale: full([], initScale), growth_tracker: scalar(0, "i32") }),
    scaleLoss: (loss, { scale }) => loss.cast("f32").mul(scale),
    unscale(grads, { scale }) {
      const wide = treeMap<Tensor, Tensor>(grads, (g) => g.cast("f32").div(scale)) as typeof grads;
      // The scaled gradients, for a division could bring none back from infinity, but who knows what compilers assume
      const finite = treeLeaves<Tensor>(grads).map((g) => g.cast("f32").isFinite().cast("i32").min());
      const all = finite.reduce((a, b) => a.minimum(b), scalar(1, "i32"));
      return { grads: wide, isFinite: all.reshape([]).gt(0) };
    },
    update({ scale, growth_tracker }, isFinite) {
      const tracked = growth_tracker.add(1);
      const grows = tracked.eq(growthInterval);
      const grown = scale.mul(growthFactor);
      const next = where(grows.logicalAnd(grown.isFinite()), grown, scale);
      return {
        scale: where(isFinite, next, scale.mul(backoffFactor)),
        growth_tracker: where(isFinite.logicalAnd(grows.logicalNot()), tracked, tracked.mul(0)),
      };
    },
  };
}
