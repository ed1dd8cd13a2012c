/** The loop that every stage runs in. */
import { compile, stack, type Tensor } from "@dipp/tensor";
import type { CheckpointStore } from "./checkpoint_store.ts";
import type { Interrupt } from "./interrupt.ts";
import type { MetricsLog } from "./metrics_log.ts";
import type { Progress } from "./progress.ts";
import { stateTensors } from "./restore.ts";
import type { NamedTensors, Stage } from "./stage.ts";
import type { Watcher } from "./watcher.ts";

/** A loss or a gradient that is not finite: the run cannot go on. */
export class NonFiniteError extends Error {
  /** Always "NonFiniteError". */
  override name = "NonFiniteError";
}

/** Where a run's traces go and how often. Intervals are in steps; 0 is never. */
export interface TrainerOptions {
  /** Steps to reach. */
  readonly steps: number;
  /** Write every n-th step's metrics to the log. */
  readonly logEvery: number;
  /** Look at the state every n steps. */
  readonly observeEvery: number;
  /** Write a checkpoint every n steps; one is written at the end besides. */
  readonly checkpointEvery: number;
  /** Where checkpoints go. */
  readonly store: CheckpointStore;
  /** What every checkpoint says about the run. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The numbers. */
  readonly log: MetricsLog;
  /** The eyes. */
  readonly progress: Progress;
  /** Somebody who may end the run before its last step. */
  readonly watcher?: Pick<Watcher, "due" | "look" | "reason">;
  /** The request to stop. */
  readonly interrupt: Pick<Interrupt, "requested">;
}

/** Steps that may wait on the device at once: more would only fill memory. */
const QUEUE_STEPS = 16;

/** Seconds after which the waiting metrics are read, for the eyes. */
const QUEUE_SECONDS = 1;

/**
 * Runs a stage from one step to another. A step is one compiled function, one
 * submission, and nothing waits for it: metrics are read some steps later,
 * together. A step with a metric that is not finite ends the run.
 *
 * @param stage What to train; its state is that after `start` steps.
 * @param start Steps done before.
 * @param options How far, and where the traces go.
 * @returns Steps done; fewer than asked for after an interrupt, where the stage was over before, or where the watcher has a
 * reason to stop.
 * @throws {NonFiniteError} Naming the step, the metric and the last checkpoint.
 */
export async function trainSteps(
  stage: Stage,
  start: number,
  options: TrainerOptions,
): Promise<number> {
  const { steps, store, interrupt, watcher } = options;
  const step = compileStep(stage);
  const queue = new MetricsQueue(options);
  let done = start, isOver = await stage.isOver?.() ?? false;
  if (watcher?.due(done)) await watcher.look(done);
  while (done < steps && !interrupt.requested && !isOver && watcher?.reason === undefined) {
    await stage.prepare?.(done);
    queue.push(done + 1, ...step(stage.inputs(done)));
    done++;
    const isEnd = done === steps;
    await turn();
    // Looked at before it is saved: a run that goes on from here has this look in its memory.
    if (watcher?.due(done)) {
      await queue.read();
      await watcher.look(done);
    }
    const isSaved = due(done, options.checkpointEvery) || isEnd ||
      interrupt.requested || watcher?.reason !== undefined;
    const isObserved = due(done, options.observeEvery) && !isEnd;
    // A checkpoint never follows a number that nobody has looked at.
    if (isSaved || isObserved || queue.isFull) await queue.read();
    if (isObserved) {
      await observe(stage, done, options);
      isOver = await stage.isOver?.() ?? false;
    }
    // What a look has changed is part of the checkpoint of its step.
    if (isSaved || isOver) {
      await store.save(done, await stateTensors(stage.state), {
        ...options.metadata,
      });
    }
    queue.restartClock();
  }
  return done;
}

/** The step as one submission, its metrics in one vector. Inputs of other names are another step. */
function compileStep(stage: Stage): (inputs: NamedTensors) => [names: readonly string[], values: Tensor] {
  const names = new Map<string, string[]>();
  const run = compile((inputs: NamedTensors) => {
    const metrics = stage.update(inputs);
    names.set(Object.keys(inputs).join(), Object.keys(metrics));
    return stackMetrics(metrics);
  });
  return (inputs) => {
    const values = run(inputs);
    return [names.get(Object.keys(inputs).join())!, values];
  };
}

/** A step's metrics as one vector, in their order. */
export function stackMetrics(metrics: NamedTensors): Tensor {
  return stack(Object.values(metrics).map((m) => m.cast("f32").reshape([])), 0);
}

/** Metrics that the device has yet to compute. */
class MetricsQueue {
  readonly #options: TrainerOptions;
  #waiting: { step: number; names: readonly string[]; values: Tensor }[] = [];
  #since = performance.now();
  #isFirst = true;

  constructor(options: TrainerOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#waiting.length >= QUEUE_STEPS ||
      performance.now() - this.#since > QUEUE_SECONDS * 1000;
  }

  push(step: number, names: readonly string[], values: Tensor): void {
    this.#waiting.push({ step, names, values });
  }

  /** Starts timing anew, after something that is not a step. */
  restartClock(): void {
    if (this.#waiting.length === 0) this.#since = performance.now();
  }

  async read(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const values = await Promise.all(waiting.map((w) => w.values.data()));
    const { log, logEvery, progress, steps, store } = this.#options;
    const seconds = (performance.now() - this.#since) / 1000 / waiting.length;
    for (const [i, { step, names, values: tensor }] of waiting.entries()) {
      tensor.dispose();
      const metrics = Object.fromEntries(
        names.map((name, k) => [name, Number(values[i][k].toPrecision(7))]),
      );
      const bad = names.find((name) => !Number.isFinite(metrics[name]));
      if (bad !== undefined || due(step, logEvery) || step === steps) {
        log.write({ step, ...metrics, step_seconds: round(seconds) });
      }
      if (bad !== undefined) {
        const saved = (await store.steps()).at(-1);
        throw new NonFiniteError(
          `Step ${step}: ${bad} is ${metrics[bad]}, expected a finite number; ` +
            (saved === undefined ? "there is no checkpoint yet" : `the last good checkpoint is ${store.path(saved)}`),
        );
      }
      if (i === waiting.length - 1) {
        progress.update(step, steps, metrics, seconds, this.#isFirst);
      }
    }
    this.#since = performance.now();
    this.#isFirst = false;
  }
}

async function observe(
  stage: Stage,
  step: number,
  { log, progress }: TrainerOptions,
): Promise<void> {
  const seen = await stage.observe?.(step);
  if (!seen) return;
  log.write({ step, ...seen });
  progress.note(
    `  step ${step}: ` +
      Object.entries(seen).map(([k, v]) => `${k} ${round(v)}`).join(", "),
  );
}

function due(step: number, every: number): boolean {
  return every > 0 && step % every === 0;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** One turn of the event loop, so that signals come through. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
