/**
 * Stochastic gradient descent with momentum, `torch.optim.SGD`.
 *
 * @module
 */

import { full, scalar, type Tensor, where } from "@dipp/tensor";
import { checkRange, type DecayPredicate, learningRate, type Optimiser } from "./optimiser.ts";
import { type Params, zerosLike, zipParams } from "./params.ts";

/** The settings of {@linkcode sgd}. */
export interface SgdOptions {
  /** The learning rate where an update names none. Default 1e-3. */
  readonly lr?: number;
  /** How much of the last direction is kept. Default 0. */
  readonly momentum?: number;
  /** How much of the gradient is left out of the direction. Default 0. */
  readonly dampening?: number;
  /** Look ahead along the new direction. Default false. */
  readonly nesterov?: boolean;
  /** L2 term of the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Which parameters decay. Default all. */
  readonly decays?: DecayPredicate;
}

/** The state of SGD, in float32 and named as in PyTorch. */
export type SgdState = {
  /** Updates done, i32 []. */
  step: Tensor;
  /** The directions; present when there is momentum. */
  momentum_buffer?: Params;
};

/**
 * Stochastic gradient descent: g += decay p; b = momentum b + (1 - dampening) g
 * (first step: b = g); p -= lr b, or lr (g + momentum b) for Nesterov.
 *
 * Source: Sutskever et al. 2013, "On the importance of initialization and
 * momentum in deep learning"; order of operations of `torch.optim.SGD`.
 *
 * @param options see {@linkcode SgdOptions}
 * @returns the optimiser
 * @throws {RangeError} when a setting is out of its range, or Nesterov is asked
 * for without momentum or with dampening
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sgd } from "@dipp/nn";
 * import { init, tensor } from "@dipp/tensor";
 *
 * await init();
 * const optimiser = sgd({ lr: 0.5 });
 * const params = { w: tensor([1, 2]) };
 * const grads = { w: tensor([2, 0]) };
 * const next = optimiser.update(params, grads, optimiser.init(params));
 * assertEquals(await next.params.w.data(), new Float32Array([0, 2]));
 * ```
 */
export function sgd(options: SgdOptions = {}): Optimiser<SgdState> {
  const {
    lr: defaultLr = 1e-3,
    momentum = 0,
    dampening = 0,
    nesterov = false,
    weightDecay = 0,
    decays = () => true,
  } = options;
  checkRange("lr", defaultLr, 0, Infinity);
  checkRange("momentum", momentum, 0, Infinity);
  checkRange("weightDecay", weightDecay, 0, Infinity);
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new RangeError(
      `Nesterov momentum has momentum ${momentum} and dampening ` +
        `${dampening}, expected a positive momentum and no dampening`,
    );
  }

  const init = (params: Params): SgdState => ({
    step: scalar(0, "i32"),
    ...(momentum > 0 ? { momentum_buffer: zerosLike(params, "f32") } : {}),
  });

  const update: Optimiser<SgdState>["update"] = (
    params,
    grads,
    state,
    { lr = defaultLr } = {},
  ) => {
    const rate = learningRate(lr);
    // The buffer starts at zero, so an undamped first step makes it g.
    const share = dampening === 0 ? 1 : where(state.step.eq(0), full([], 1), full([], 1 - dampening));
    const g = zipParams(
      ([p, grad], name) => {
        const g = grad.cast("f32");
        return weightDecay > 0 && decays(name, p) ? g.add(p.cast("f32").mul(weightDecay)) : g;
      },
      params,
      grads,
    );
    const buffer = state.momentum_buffer
      ? zipParams(
        ([b, g]) => b.mul(momentum).add(share === 1 ? g : g.mul(share)),
        state.momentum_buffer,
        g,
      )
      : undefined;
    const next = zipParams(
      ([p, g, b]) => {
        const direction = nesterov ? g.add(b.mul(momentum)) : b;
        return p.cast("f32").sub(direction.mul(rate)).cast(p.dtype);
      },
      params,
      g,
      buffer ?? g,
    );
    return {
      params: next,
      state: {
        step: state.step.add(1),
        ...(buffer ? { momentum_buffer: buffer } : {}),
      },
    };
  };
  return { init, update };
}
