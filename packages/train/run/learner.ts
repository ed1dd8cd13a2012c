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
  type PackedParams,
  Packing,
  type Params,
  realizeParams,
  zipParams,
} from "@dipp/nn";
import { type Tensor, where } from "@dipp/tensor";

/** The group of parameters that weight decay applies to. */
const MATRICES = "matrices";

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

/** What a checkpoint holds of a network: everything packed into a few vectors. */
export type StoredState = {
  /** The parameters. */
  params: PackedParams;
  /** Adam's moments. */
  optimizer: AdamState;
  /** The average of the parameters. */
  ema?: EmaState;
};

/** Parameters with their optimiser, packed, and the parameters by their names. */
export class LearnerState {
  /** What a checkpoint holds. */
  readonly stored: StoredState;
  /** The parameters as the network names them: views of the packed ones. */
  readonly params: Params;
  readonly #packing: Packing;

  /**
   * @param stored Vectors.
   * @param packing How the parameters lie in them.
   */
  constructor(stored: StoredState, packing: Packing) {
    this.stored = stored;
    this.#packing = packing;
    this.params = packing.unpack(stored.params);
  }

  /** How the parameters lie in the vectors. */
  get packing(): Packing {
    return this.#packing;
  }
}

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
    const decays = (path: string) => path.endsWith(MATRICES);
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
    const packing = new Packing(params, (_, parameter) => parameter.ndim > 1 ? MATRICES : "vectors");
    const packed = await realizeParams(packing.pack(params));
    const stored: StoredState = { params: packed, optimizer: this.#rule.init(packed) };
    if (this.#average) stored.ema = this.#average.init(await cloneParams(packed));
    return new LearnerState(await realizeParams(stored), packing);
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
    const { stored, packing } = state;
    const gradients = packing.pack(gradTree(loss, state.params));
    const { grads, norm } = this.#maxGradNorm === null
      ? { grads: gradients, norm: globalNorm(gradients) }
      : clipByGlobalNorm(gradients, this.#maxGradNorm);
    const { params, state: optimizer } = this.#rule.update(stored.params, grads, stored.optimizer, { lr });
    const next: StoredState = { params: params as PackedParams, optimizer };
    if (this.#average && stored.ema) next.ema = this.#average.update(stored.ema, params);
    const isFinite = loss.isFinite().reshape([]).logicalAnd(norm.isFinite());
    const kept = zipParams(([to, from]) => where(isFinite, to, from), next, stored) as StoredState;
    return { state: new LearnerState(kept, packing), gradNorm: norm };
  }
}

/** The parameters to look at and to export: the average where there is one. */
export function bestParams({ stored, params, packing }: LearnerState): Params {
  return stored.ema ? packing.unpack(stored.ema.shadow as PackedParams) : params;
}

/** Writes an update over the state, when the compiled step ends. */
export function commit(state: LearnerState, update: LearnerUpdate): void {
  assignTree(state.stored, update.state.stored);
}
