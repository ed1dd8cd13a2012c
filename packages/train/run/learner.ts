/** One optimiser with everything around it, as expressions. */
import {
  accumulate,
  type AdamState,
  adamw,
  assignTree,
  clipByGlobalNorm,
  computeParams,
  ema,
  type EmaState,
  globalNorm,
  type GradScaler,
  gradScaler,
  type GradScalerState,
  gradTree,
  lrSchedule,
  type LrScheduleOptions,
  type PackedParams,
  Packing,
  type Params,
  type Precision,
  realizeParams,
  zipParams,
} from "@dipp/nn";
import { after, type Tensor, treeMap, where } from "@dipp/tensor";
import type { Materialise } from "./materialise.ts";

/** Names of the groups of parameters that weight decay applies to begin with it. */
const MATRICES = "matrices";

/** Most elements of a group that holds more than one parameter: one buffer of 1 GiB is allowed everywhere. */
const GROUP_ELEMENTS = 2 ** 28;

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
  /** What products and convolutions are computed in; the parameters stay f32. */
  readonly precision: Precision;
}

/** What a checkpoint holds of a network: everything packed into a few vectors. */
export type StoredState = {
  /** The parameters. */
  params: PackedParams;
  /** Adam's moments. */
  optimizer: AdamState;
  /** The average of the parameters. */
  ema?: EmaState;
  /** The scale of the loss; present for f16. */
  scaler?: GradScalerState;
};

/** Parameters with their optimiser, packed, and the parameters by their names. */
export class LearnerState {
  /** What a checkpoint holds. */
  readonly stored: StoredState;
  /** The parameters as the network names them: views of the packed ones, matrices rounded to the precision. */
  readonly params: Params;
  readonly #packing: Packing;

  /**
   * @param stored Vectors.
   * @param packing How the parameters lie in them.
   * @param precision What is computed in.
   */
  constructor(stored: StoredState, packing: Packing, precision: Precision) {
    this.stored = stored;
    this.#packing = packing;
    const rounded = computeParams(stored.params, precision, isMatrices);
    this.params = packing.unpack(rounded);
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
  /** What the loss was multiplied by, where it was, one number. */
  readonly lossScale?: Tensor;
}

/** A loss that is the mean of the losses of micro-batches, built one after the other. */
export interface MicroBatches {
  /** How many there are. */
  readonly count: number;
  /**
   * Builds the loss of one, one number.
   *
   * @param index Which.
   * @param wait Puts off what is computed from a tensor until the gradient of the one before is there.
   */
  loss(index: number, wait: (x: Tensor) => Tensor): Tensor;
}

/**
 * AdamW with clipping, a learning-rate schedule, an average of the parameters,
 * and a guard: an update by something that is not finite is no update. In f16 the loss is scaled, and a gradient that
 * the scale made overflow is a step left out, after which the scale is smaller; its norm counts as 0.
 */
export class Learner {
  readonly #rule: ReturnType<typeof adamw>;
  readonly #average: ReturnType<typeof ema> | undefined;
  readonly #maxGradNorm: number | null;
  readonly #lr: (step: number) => number;
  readonly #precision: Precision;
  readonly #scaler: GradScaler | undefined;

  /** @param options The settings. */
  constructor(options: LearnerOptions) {
    const { lr, betas, eps, weightDecay, emaDecay } = options;
    this.#rule = adamw({ lr, betas, eps, weightDecay, decays: isMatrices });
    this.#average = emaDecay === null ? undefined : ema({ name: "diffusers", decay: emaDecay });
    this.#maxGradNorm = options.maxGradNorm;
    this.#lr = lrSchedule({ ...options.schedule, lr });
    this.#precision = options.precision;
    this.#scaler = options.precision === "f16" ? gradScaler() : undefined;
  }

  /** The learning rate of a step, counted from 0. */
  lr(step: number): number {
    return this.#lr(step);
  }

  /**
   * Builds the state before the first update.
   *
   * @param params The parameters to start from.
   * @param compute What makes state of expressions: `realizeParams`, or `placeholders` to plan with.
   * @returns Computed tensors.
   */
  async init(params: Params, compute: Materialise = realizeParams): Promise<LearnerState> {
    const packing = new Packing(params, groups());
    const packed = await compute(packing.pack(params)) as PackedParams;
    const stored: StoredState = { params: packed, optimizer: this.#rule.init(packed) };
    if (this.#average) stored.ema = this.#average.init(packed);
    if (this.#scaler) stored.scaler = this.#scaler.init();
    return new LearnerState(await compute(stored) as StoredState, packing, this.#precision);
  }

  /**
   * Builds one update by gradient descent.
   *
   * @param state The state, computed or itself an expression.
   * @param loss One number that depends on `state.params`, or micro-batches of such; their gradients are summed as they
   *   come, so that the intermediates of one are there at a time.
   * @param lr The learning rate, an input of the compiled step.
   * @returns The new state and the gradient's norm, as expressions.
   */
  update(state: LearnerState, loss: Tensor | MicroBatches, lr: Tensor): LearnerUpdate {
    const { stored, packing } = state;
    const scaled = this.#scaler && stored.scaler && { scaler: this.#scaler, old: stored.scaler };
    const gradientOf = (loss: Tensor) => {
      const target = scaled ? scaled.scaler.scaleLoss(loss, scaled.old) : loss;
      const wide = treeMap<Tensor, Tensor>(gradTree(target, state.params), (g) => g.cast("f32")) as Params;
      return packing.pack(wide);
    };
    const { value, gradient: raw } = accumulated(loss, gradientOf);
    const { grads: gradients, isFinite: isWhole } = scaled
      ? scaled.scaler.unscale(raw, scaled.old)
      : { grads: raw, isFinite: undefined };
    const { grads, norm } = this.#maxGradNorm === null
      ? { grads: gradients, norm: globalNorm(gradients) }
      : clipByGlobalNorm(gradients, this.#maxGradNorm);
    const { params, state: optimizer } = this.#rule.update(stored.params, grads, stored.optimizer, { lr });
    const next: StoredState = { params: params as PackedParams, optimizer };
    if (this.#average && stored.ema) next.ema = this.#average.update(stored.ema, params);
    const isFinite = value.isFinite().reshape([]).logicalAnd(norm.isFinite());
    const isStep = isWhole ? isFinite.logicalAnd(isWhole) : isFinite;
    const { scaler: _, ...before } = stored;
    const kept = zipParams(([to, from]) => where(isStep, to, from), next, before) as StoredState;
    if (!scaled) return { state: new LearnerState(kept, packing, this.#precision), gradNorm: norm };
    kept.scaler = scaled.scaler.update(scaled.old, isWhole!);
    return {
      state: new LearnerState(kept, packing, this.#precision),
      gradNorm: where(isWhole!, norm, 0),
      lossScale: scaled.old.scale,
    };
  }
}

/** The loss and its gradient, of micro-batches the means. */
function accumulated(
  loss: Tensor | MicroBatches,
  gradientOf: (loss: Tensor) => PackedParams,
): { value: Tensor; gradient: PackedParams } {
  if (!("count" in loss) || loss.count === 1) {
    const whole = "count" in loss ? loss.loss(0, (x) => x) : loss;
    return { value: whole, gradient: gradientOf(whole) };
  }
  const { init, add } = accumulate(loss.count);
  let value: Tensor | undefined, gradient: PackedParams | undefined;
  for (let i = 0; i < loss.count; i++) {
    const before = gradient && Object.values(gradient);
    const one = loss.loss(i, before ? (x) => after(x, ...before) : (x) => x);
    const own = gradientOf(one);
    gradient = add(gradient ?? init(own), own);
    const share = one.mul(1 / loss.count);
    value = value ? value.add(share) : share;
  }
  return { value: value!, gradient: gradient! };
}

/** Whether a group holds matrices. */
function isMatrices(group: string): boolean {
  return group.startsWith(MATRICES);
}

/** Matrices apart from vectors, in several groups where they are many. */
function groups(): (path: string, parameter: Tensor) => string {
  const filled = new Map<string, { part: number; elements: number }>();
  return (_, { ndim, size }) => {
    const kind = ndim > 1 ? MATRICES : "vectors";
    const group = filled.get(kind) ?? { part: 1, elements: 0 };
    filled.set(kind, group);
    if (group.elements > 0 && group.elements + size > GROUP_ELEMENTS) {
      group.part++;
      group.elements = 0;
    }
    group.elements += size;
    return group.part === 1 ? kind : `${kind}_${group.part}`;
  };
}

/** The parameters to look at and to export: the average where there is one. */
export function bestParams({ stored, packing }: LearnerState): Params {
  return packing.unpack(stored.ema ? stored.ema.shadow as PackedParams : stored.params);
}

/** What an update tells about itself: the gradient's norm, and the scale of the loss where there is one. */
export function updateMetrics({ gradNorm, lossScale }: LearnerUpdate, suffix = ""): Record<string, Tensor> {
  return { [`grad_norm${suffix}`]: gradNorm, ...(lossScale && { [`loss_scale${suffix}`]: lossScale }) };
}

/** Writes an update over the state, when the compiled step ends. */
export function commit(state: LearnerState, update: LearnerUpdate): void {
  assignTree(state.stored, update.state.stored);
}
