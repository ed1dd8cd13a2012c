/**
 * Adam and AdamW, `torch.optim.Adam` and `torch.optim.AdamW`.
 *
 * @module
 */

import { scalar, type Tensor } from "@dipp/tensor";
import { oneMinusPower } from "./expm1.ts";
import { checkRange, type DecayPredicate, learningRate, type Optimiser } from "./optimiser.ts";
import { type Params, zerosLike, zipParams } from "./params.ts";

/** The settings of {@linkcode adamw} and {@linkcode adam}. */
export interface AdamOptions {
  /** The learning rate where an update names none. Default 1e-3. */
  readonly lr?: number;
  /** Decay of the first and of the second moment. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** What is added to the root of the second moment. Default 1e-8. */
  readonly eps?: number;
  /** Default 0.01 for AdamW and 0 for Adam. */
  readonly weightDecay?: number;
  /** Which parameters decay. Default all. */
  readonly decays?: DecayPredicate;
  /** Divide by the largest second moment so far. Default false. */
  readonly amsgrad?: boolean;
}

/** The state of Adam, in float32 and named as in PyTorch. */
export type AdamState = {
  /** Updates done, i32 []. */
  step: Tensor;
  /** First moments; absent when beta1 is 0, where they are the gradients. */
  exp_avg?: Params;
  /** Second moments. */
  exp_avg_sq: Params;
  /** Largest second moments so far; present for amsgrad. */
  max_exp_avg_sq?: Params;
};

/**
 * Adam with decoupled weight decay.
 *
 * Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", arXiv
 * 1711.05101, algorithm 2; constants and order of operations of
 * `torch.optim.AdamW`.
 *
 * @param options see {@linkcode AdamOptions}
 * @returns the optimiser
 * @throws {RangeError} when a setting is out of its range
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { adamw, assignTree, gradTree, realizeParams } from "@dipp/nn";
 * import { compile, init, scalar, type Tensor, tensor } from "@dipp/tensor";
 *
 * await init();
 * const params = await realizeParams({ w: tensor([1, -2]) });
 * const optimiser = adamw({ weightDecay: 0 });
 * const state = await realizeParams(optimiser.init(params));
 * const step = compile(({ lr }: { lr: Tensor }) => {
 *   const loss = params.w.square().sum();
 *   const next = optimiser.update(params, gradTree(loss, params), state, { lr });
 *   assignTree(params, next.params);
 *   assignTree(state, next.state);
 *   return loss;
 * });
 * for (let i = 0; i < 30; i++) step({ lr: scalar(0.1) });
 * assert(await params.w.square().sum().item() < 1);
 * ```
 */
export function adamw(options: AdamOptions = {}): Optimiser<AdamState> {
  return build({ weightDecay: 0.01, ...options }, true);
}

/**
 * Adam, with weight decay as an L2 term of the gradient.
 *
 * Source: Kingma and Ba, "Adam", arXiv 1412.6980, algorithm 1; Reddi et al.,
 * "On the Convergence of Adam and Beyond", for amsgrad; constants and order of
 * operations of `torch.optim.Adam`.
 *
 * @param options see {@linkcode AdamOptions}
 * @returns the optimiser
 * @throws {RangeError} when a setting is out of its range
 */
export function adam(options: AdamOptions = {}): Optimiser<AdamState> {
  return build(options, false);
}

function build(options: AdamOptions, decoupled: boolean): Optimiser<AdamState> {
  const {
    lr: defaultLr = 1e-3,
    betas: [beta1, beta2] = [0.9, 0.999],
    eps = 1e-8,
    weightDecay = 0,
    decays = () => true,
    amsgrad = false,
  } = options;
  checkRange("lr", defaultLr, 0, Infinity);
  checkRange("betas[0]", beta1, 0, 1);
  checkRange("betas[1]", beta2, 0, 1);
  checkRange("eps", eps, 0, Infinity);
  checkRange("weightDecay", weightDecay, 0, Infinity);

  const init = (params: Params): AdamState => ({
    step: scalar(0, "i32"),
    ...(beta1 > 0 ? { exp_avg: zerosLike(params, "f32") } : {}),
    exp_avg_sq: zerosLike(params, "f32"),
    ...(amsgrad ? { max_exp_avg_sq: zerosLike(params, "f32") } : {}),
  });

  const update: Optimiser<AdamState>["update"] = (
    params,
    grads,
    state,
    { lr = defaultLr } = {},
  ) => {
    const rate = learningRate(lr);
    const step = state.step.add(1);
    const stepSize = rate.div(oneMinusPower(beta1, step));
    const correction2 = oneMinusPower(beta2, step);
    const rootScale = typeof correction2 === "number" ? 1 : correction2.rsqrt();
    const decayOf = (name: string, p: Tensor) => weightDecay > 0 && decays(name, p) ? weightDecay : 0;

    const g = zipParams(
      ([p, grad], name) => {
        const decay = decoupled ? 0 : decayOf(name, p);
        const g = grad.cast("f32");
        return decay > 0 ? g.add(p.cast("f32").mul(decay)) : g;
      },
      params,
      grads,
    );
    const mean = state.exp_avg
      ? zipParams(
        ([m, g]) => m.mul(beta1).add(g.mul(1 - beta1)),
        state.exp_avg,
        g,
      )
      : undefined;
    const square = zipParams(
      ([v, g]) => v.mul(beta2).add(g.square().mul(1 - beta2)),
      state.exp_avg_sq,
      g,
    );
    const largest = state.max_exp_avg_sq
      ? zipParams(([a, b]) => a.maximum(b), state.max_exp_avg_sq, square)
      : undefined;
    const next = zipParams(
      ([p, m, v], name) => {
        const decay = decoupled ? decayOf(name, p) : 0;
        const wide = p.cast("f32");
        const kept = decay > 0 ? wide.mul(rate.mul(-decay).add(1)) : wide;
        const change = m.div(v.sqrt().mul(rootScale).add(eps)).mul(stepSize);
        return kept.sub(change).cast(p.dtype);
      },
      params,
      mean ?? g,
      largest ?? square,
    );
    return {
      params: next,
      state: {
        step,
        ...(mean ? { exp_avg: mean } : {}),
        exp_avg_sq: square,
        ...(largest ? { max_exp_avg_sq: largest } : {}),
      },
    };
  };
  return { init, update };
}
