/**
 * Exponential moving averages of parameters.
 *
 * @module
 */

import { scalar, type Tensor, treeMap } from "@dipp/tensor";
import { emaRate, type EmaRule } from "./ema_rule.ts";
import { type Params, zipParams } from "./params.ts";

/** The state of {@linkcode ema}: the average and its step count. */
export type EmaState<P extends Params = Params> = {
  /** Updates done, i32 []. */
  step: Tensor;
  /** The averaged parameters, in float32. */
  shadow: P;
};

/** A moving average: two pure functions on a tree that can be checkpointed. */
export interface Ema {
  /** Builds the state whose average is the parameters themselves. */
  init<P extends Params>(params: P): EmaState<P>;
  /** Builds the state after one more update. */
  update<P extends Params>(state: EmaState<P>, params: P): EmaState<P>;
}

/**
 * Moves an average towards parameters: shadow + (1 - decay) (p - shadow).
 *
 * @param shadow the average
 * @param params the parameters
 * @param decay how much of the average is kept: a number, or a tensor of one
 * element that is an input of the compiled step
 * @returns the new average, as expressions
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { emaUpdate } from "@dipp/nn";
 * import { init, tensor } from "@dipp/tensor";
 *
 * await init();
 * const shadow = emaUpdate({ w: tensor([4]) }, { w: tensor([8]) }, 0.75);
 * assertEquals(await shadow.w.item(), 5);
 * ```
 */
export function emaUpdate<P extends Params>(
  shadow: P,
  params: P,
  decay: Tensor | number,
): P {
  const rate = typeof decay === "number" ? 1 - decay : decay.reshape([]).neg().add(1);
  return move(shadow, params, rate);
}

/**
 * Keeps a moving average whose decay follows a rule of the step count. The
 * count is part of the state, so nothing has to be passed to a compiled step.
 *
 * @param rule how the decay depends on the step, default diffusers' rule with a
 * decay of 0.9999
 * @returns the average
 * @throws {RangeError} when a setting of the rule is out of its range
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ema } from "@dipp/nn";
 * import { init, tensor } from "@dipp/tensor";
 *
 * await init();
 * const average = ema({ name: "constant", decay: 0.5 });
 * let state = average.init({ w: tensor([0]) });
 * state = average.update(state, { w: tensor([8]) });
 * assertEquals(await state.shadow.w.item(), 4);
 * ```
 */
export function ema(rule: EmaRule = { name: "diffusers" }): Ema {
  const rateAt = emaRate(rule);
  return {
    init: (params) => ({
      step: scalar(0, "i32"),
      shadow: treeMap<Tensor, Tensor>(
        params,
        // Times one, since the average must not share the parameter's buffer.
        (p) => p.cast("f32").mul(1),
      ) as typeof params,
    }),
    update: (state, params) => {
      const step = state.step.add(1);
      return { step, shadow: move(state.shadow, params, rateAt(step)) };
    },
  };
}

function move<P extends Params>(
  shadow: P,
  params: P,
  rate: Tensor | number,
): P {
  return zipParams(
    ([s, p]) => s.add(p.cast("f32").sub(s).mul(rate)),
    shadow,
    params,
  );
}
