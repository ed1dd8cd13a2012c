/** What a stage is given besides its configuration. */
import type { Device } from "@dipp/tensor";
import type { ImageTextData } from "../data.ts";
import type { TrainingData } from "../preferences/training_data.ts";
import type { Provenance } from "../models/model_description.ts";

/** Where a run takes place. */
export interface RunContext {
  /** The device. */
  readonly device: Device;
  /** The run's directory. */
  readonly out: string;
  /** The command line, for cards. */
  readonly command: string;
  /** Says something to the person at the terminal. */
  note(text: string): void;
}

/** The same of a stage that learns from a data set. */
export interface DataContext<Data extends TrainingData = ImageTextData> extends RunContext {
  /** The data. */
  readonly data: Data;
}

/**
 * Where a trained model goes.
 *
 * @param configured The path that the configuration names, if it does.
 * @param context The run.
 * @param name The file's name in the run's directory otherwise, without ending.
 */
export function modelPath(configured: string | null, context: Pick<RunContext, "out">, name = "model"): string {
  return configured ?? `${context.out}/${name}.safetensors`;
}

/**
 * How a checkpoint exported now came about.
 *
 * @param context The run.
 * @param seed Its seed.
 * @param steps Steps done.
 * @param results What was measured.
 * @returns What goes into the checkpoint and its card.
 */
export function provenance(
  context: DataContext<TrainingData>,
  seed: number,
  steps: number,
  results: Readonly<Record<string, unknown>>,
): Provenance {
  return {
    command: context.command,
    seed,
    steps,
    hardware: context.device.name,
    date: new Date().toISOString().slice(0, 10),
    data: context.data.source,
    results,
  };
}
