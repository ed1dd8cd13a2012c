/** What the loop needs to know of a training stage. */
import type { Tensor, Tree } from "@dipp/tensor";
import type { RunState } from "./restore.ts";
import type { StageWatch } from "./watcher.ts";

/** Tensors by name, for instance the inputs of a step or its metrics. */
export type NamedTensors = Record<string, Tensor>;

/**
 * One stage of training: a state, a step that improves it, and a way to look
 * at it. Everything random in it is a function of the seed and the step, so a
 * stage has no other state.
 */
export interface Stage {
  /** Everything a checkpoint holds: computed tensors that the step writes to. */
  readonly state: RunState;
  /** Metrics that the progress bar shows, in order. */
  readonly shown: readonly string[];
  /** What the run's log says before the first step: counts, derived numbers. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** What it reads and never writes, by name: for plans, which tell how much memory it takes. */
  readonly frozen?: { readonly [name: string]: Tree<Tensor> };
  /** Parts of the step, as functions of its inputs: for plans, which tell what each costs. */
  readonly phases?: Readonly<Record<string, (inputs: NamedTensors) => NamedTensors>>;
  /** Fetches what the inputs of a step are made of, where that takes waiting; awaited before they are asked for. */
  prepare?(step: number): Promise<void>;
  /** Everything that differs from step to step, by the step alone. */
  inputs(step: number): NamedTensors;
  /**
   * One step as expressions: assigns the new state and returns the metrics,
   * one number each. Compiled once; nothing in it may depend on the step but
   * through the inputs.
   */
  update(inputs: NamedTensors): NamedTensors;
  /** Looks for reward hacking every so many steps. */
  readonly watch?: StageWatch;
  /** Opens a run that was not begun before: pictures of the start. */
  begin?(): Promise<void>;
  /** Looks at the state between two steps: sample grids, validation. */
  observe?(step: number): Promise<Readonly<Record<string, number>> | void>;
  /** How often to look, in steps, where the stage decides it and not the configuration's `sample_every`. */
  readonly observeEvery?: number;
  /** Whether to stop before the last step; asked at the start and after each look. */
  isOver?(): Promise<boolean>;
  /** Closes the run: evaluation, export. Its result is the run's summary. */
  finish(step: number): Promise<Record<string, unknown>>;
  /** Lets go of what is open: files, workers. */
  close?(): void;
}
