/** One optimiser with everything around it, as expressions. */
import {
  type AdamState,
  adamw,
  assignTree,
  clipByGlobalNorm,
  cloneParams,
  ema,
  type EmaState,
  globalNorm,
  gradTree,
  lrSchedule,
  type LrScheduleOptions,
  type Params,
  realizeParams,
  zipParams,
} from "@dipp/nn";
import { type Tensor, where } from "@dipp/tensor";

/** The settings of a {@linkcode Learner}. */
export interface LearnerOptions {
  /** The learning rate at its highest. */
  readonly lr: number;
  /** Decay of Adam's moments. */
  readonly betas: readonly [number, number];
  /** What is added to the root of the second moment. */
  readonly eps: number;
  /** Decoupled weight decay; vectors (biases, norms) are spared. */
  readonly weightDecay: number;
  /** Clip the gradient to this norm; null for never. */
  readonly maxGradNorm: number | null;
  /** The learning rate over the steps. */
  readonly schedule: Omit<LrScheduleOptions, "lr">;
  /** Decay of the average of the parameters; null for none. */
  readonly emaDecay: number | null;
}

/** Parameters with their optimiser: what a checkpoint holds of a network. */
export type LearnerState = {
  /** The parameters. */
  params: Params;
  /** Adam's moments. */
  optimizer: AdamState;
  /** The average of the parameters. */
  ema?: EmaState;
};

/** An update that has not happened yet. */
export interface LearnerUpdate {
  /** The new state; the old one where the loss or the gradient is not finite. */
  readonly state: LearnerState;
  /** Norm of the gradient before clipping, one number. */
  readonly gradNorm: Tensor;
}

/**
 * AdamW with clipping, a learning-rate schedule, an average of the parameters,
 * and a guard: an update by something that is not finite is no update.
 */
export class Learner {
  readonly #rule: ReturnType<typeof adamw>;
  readonly #average: ReturnType<typeof ema> | undefined;
  readonly #maxGradNorm: number | null;
  readonly #lr: (step: number) => number;

  /** @param options The settings. */
  constructor(options: LearnerOptions) {
    const { lr, betas, eps, weightDecay, emaDecay } = options;
    const decays = (_: string, parameter: Tensor) => parameter.ndim > 1;
    this.#rule = adamw({ lr, betas, eps, weightDecay, decays });
    this.#average = emaDecay === null ? undefined : ema({ name: "diffusers", decay: emaDecay });
    this.#maxGradNorm = options.maxGradNorm;
    this.#lr = lrSchedule({ ...options.schedule, lr });
  }

  /** The learning rate of a step, counted from 0. */
  lr(step: number): number {
    return this.#lr(step);
  }

  /**
   * Builds the state before the first update.
   *
   * @param params The parameters to start from.
   * @returns Computed tensors.
   */
  async init(params: Params): Promise<LearnerState> {
    await realizeParams(params);
    const state: LearnerState = { params, optimizer: this.#rule.init(params) };
    if (this.#average) state.ema = this.#average.init(await cloneParams(params));
    return await realizeParams(state);
  }

  /**
   * Builds one update by gradient descent.
   *
   * @param state The state, computed or itself an expression.
   * @param loss One number that depends on `state.params`.
   * @param lr The learning rate, an input of the compiled step.
   * @returns The new state and the gradient's norm, as expressions.
   */
  update(state: LearnerState, loss: Tensor, lr: Tensor): LearnerUpdate {
    const gradients = gradTree(loss, state.params);
    const { grads, norm } = this.#maxGradNorm === null
      ? { grads: gradients, norm: globalNorm(gradients) }
      : clipByGlobalNorm(gradients, this.#maxGradNorm);
    const { params, state: optimizer } = this.#rule.update(
      state.params,
      grads,
      state.optimizer,
      { lr },
    );
    const next: LearnerState = { params, optimizer };
    if (this.#average && state.ema) {
      next.ema = this.#average.update(state.ema, params);
    }
    const isFinite = loss.isFinite().reshape([]).logicalAnd(norm.isFinite());
    const kept = zipParams(
      ([to, from]) => where(isFinite, to, from),
      next,
      state,
    ) as LearnerState;
    return { state: kept, gradNorm: norm };
  }
}

/** The parameters to look at and to export: the average where there is one. */
export function bestParams(state: LearnerState): Params {
  return state.ema?.shadow ?? state.params;
}

/** Writes an update over the state, when the compiled step ends. */
export function commit(state: LearnerState, update: LearnerUpdate): void {
  assignTree(state, update.state);
}
