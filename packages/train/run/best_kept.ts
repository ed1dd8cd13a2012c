/** The best parameters that a run has had, by a loss on held-out data, and when to stop looking for better ones. */
import { assignTree, cloneParams, type PackedParams, type Params } from "@dipp/nn";
import { realize, type Tensor, tensor } from "@dipp/tensor";
import type { LearnerState } from "./learner.ts";

/**
 * Keeps a copy of the parameters at the lowest held-out loss, and counts the looks since. All of it is tensors, so that
 * it is part of a checkpoint and a resumed run stops where an uninterrupted one would have.
 */
export class BestKept {
  /** What a checkpoint holds. */
  readonly state: { readonly params: PackedParams; readonly record: Tensor };
  readonly #learned: LearnerState;
  readonly #patience: number;

  private constructor(params: PackedParams, record: Tensor, learned: LearnerState, patience: number) {
    this.state = { params, record };
    this.#learned = learned;
    this.#patience = patience;
  }

  /**
   * Begins with the parameters as they are, at an infinite loss.
   *
   * @param learned What learns.
   * @param patience How many looks in a row may find no lower loss.
   */
  static async make(learned: LearnerState, patience: number): Promise<BestKept> {
    const record = await tensor(Float32Array.of(Infinity, 0, 0, 0)).realize();
    return new BestKept(await cloneParams(present(learned)), record, learned, patience);
  }

  /** The best parameters, by their names. */
  get params(): Params {
    return this.#learned.packing.unpack(this.state.params);
  }

  /** The lowest loss, the step at which it was seen, looks since, and the step of the last look. */
  async record(): Promise<{ loss: number; step: number; since: number; seen: number }> {
    const [loss, step, since, seen] = await this.state.record.data();
    return { loss, step, since, seen };
  }

  /** Whether patience is at its end. */
  async isOver(): Promise<boolean> {
    return (await this.record()).since >= this.#patience;
  }

  /**
   * Looks at a loss; keeps the present parameters if it is the lowest. A second look at one step changes nothing.
   *
   * @param step Steps done.
   * @param loss The held-out loss of the present parameters.
   */
  async look(step: number, loss: number): Promise<void> {
    const before = await this.record();
    if (before.seen === step && step > 0) return;
    const isBest = Math.fround(loss) < before.loss;
    if (isBest) assignTree(this.state.params, present(this.#learned));
    const record = isBest ? [loss, step, 0, step] : [before.loss, before.step, before.since + 1, step];
    assignTree({ record: this.state.record }, { record: tensor(Float32Array.from(record)) });
    await realize();
  }
}

/** The parameters to look at, packed: the average where there is one. */
function present({ stored }: LearnerState): PackedParams {
  return stored.ema ? stored.ema.shadow as PackedParams : stored.params;
}
