/** What a training would take, planned and not run. */
import { parameterCount } from "@dipp/nn";
import { type Device, explain, type Explanation, init, type Tensor, type Tree, treeLeaves } from "@dipp/tensor";
import type { Config } from "../config/schema.ts";
import { LearnerState } from "../run/learner.ts";
import type { NamedTensors, Stage } from "../run/stage.ts";
import { stackMetrics } from "../run/trainer.ts";
import { planStage } from "../stages/make_stage.ts";

/** Parameters of one of the networks that take part. */
export interface NetworkFacts {
  /** Which. */
  readonly name: string;
  /** Whether it learns. */
  readonly isLearned: boolean;
  /** Its parameters. */
  readonly parameters: number;
  /** Bytes of them. */
  readonly bytes: number;
  /** Bytes of what is kept for its optimiser: moments, averages, scales. */
  readonly optimizerBytes: number;
}

/** One part of a step, or all of it. */
export interface PhaseFacts {
  /** Which. */
  readonly name: string;
  /** Floating-point operations. */
  readonly flops: number;
  /** Those of them that compute again what was not kept. */
  readonly recomputedFlops: number;
  /** Kernels. */
  readonly dispatches: number;
  /** Bytes read and written. */
  readonly bytesMoved: number;
  /** Bytes of activations, gradients and other intermediates. */
  readonly intermediateBytes: number;
}

/** What a training would take. */
export interface DryRun {
  /** The networks. */
  readonly networks: readonly NetworkFacts[];
  /** The parts of a step that does all that any step does. */
  readonly phases: readonly PhaseFacts[];
  /** That step. */
  readonly step: PhaseFacts;
  /** Bytes that the step needs at once: parameters, optimiser, inputs, intermediates. */
  readonly peakBytes: number;
  /** Operations of a step, on average: where the generator rests, it takes fewer. */
  readonly meanFlops: number;
  /** What the stage says of itself. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The device that was planned for. */
  readonly device: Device;
}

/**
 * Plans a training: builds the graph of a step and lays out its memory; full-size models are there in shape only, so
 * neither weights nor memory nor a graphics processor are needed.
 *
 * @param config A complete configuration.
 * @returns What it would take.
 */
export async function dryRun(config: Config): Promise<DryRun> {
  return await planned(config, (stage, inputs, device) => {
    const plan = (name: string, run: Step) => {
      const { totals, memory } = explained(run, inputs);
      const { flops, recomputedFlops, dispatches, bytesMoved } = totals;
      const facts = { name, flops, recomputedFlops, dispatches, bytesMoved, intermediateBytes: sum(memory.shared) };
      return { facts, peak: memory.peak };
    };
    const step = plan("whole step", (inputs) => stage.update(inputs));
    const phases = Object.entries(stage.phases ?? {}).map(([name, run]) => plan(name, run).facts);
    const networks = [
      ...Object.entries(stage.state).flatMap(([name, state]) =>
        state instanceof LearnerState ? [learned(name, state)] : []
      ),
      ...Object.entries(stage.frozen ?? {}).map(([name, params]) => ({
        name,
        isLearned: false,
        parameters: parameterCount(params),
        bytes: bytesOf(params),
        optimizerBytes: 0,
      })),
    ];
    const every = "generator" in config && phases.length > 0 ? config.generator.every : 1;
    const resting = phases.find(({ name }) => name.startsWith("fake"))?.flops ?? 0;
    const meanFlops = every === 1 ? step.facts.flops : resting + (step.facts.flops - resting) / every;
    return {
      networks: networks.filter(({ parameters }) => parameters > 0),
      phases,
      step: step.facts,
      peakBytes: step.peak,
      meanFlops,
      facts: stage.facts,
      device,
    };
  });
}

/**
 * The memory that a step of a training needs at once.
 *
 * @param config A complete configuration.
 * @returns Bytes.
 */
export async function peakBytes(config: Config): Promise<number> {
  return await planned(config, (stage, inputs) => explained((i) => stage.update(i), inputs).memory.peak);
}

type Step = (inputs: NamedTensors) => NamedTensors;

function explained(run: Step, inputs: NamedTensors): Explanation {
  return explain((inputs: NamedTensors) => stackMetrics(run(inputs)), inputs);
}

async function planned<Result>(
  config: Config,
  look: (stage: Stage, inputs: NamedTensors, device: Device) => Result,
): Promise<Result> {
  const device = await init();
  const stage = await planStage(config, { device, out: "", command: "", note: () => {} });
  try {
    return look(stage, await fullInputs(stage, config.steps), device);
  } finally {
    stage.close?.();
  }
}

/** The inputs of the last step that does all that any does: a generator may rest in others. */
async function fullInputs(stage: Stage, steps: number): Promise<NamedTensors> {
  let inputs: NamedTensors = {};
  for (let step = steps - 1; step >= 0; step--) {
    await stage.prepare?.(step);
    inputs = stage.inputs(step);
    if ("lr" in inputs) break;
  }
  return inputs;
}

function learned(name: string, state: LearnerState): NetworkFacts {
  const { params, ...rest } = state.stored;
  return {
    name,
    isLearned: true,
    parameters: parameterCount(state.params),
    bytes: bytesOf(params),
    optimizerBytes: bytesOf(rest),
  };
}

function bytesOf(tree: Tree<Tensor>): number {
  return sum(treeLeaves<Tensor>(tree).map(({ size, dtype }) => size * (dtype === "f16" || dtype === "bf16" ? 2 : 4)));
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
