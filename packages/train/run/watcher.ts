/** Somebody who looks at the generator now and then, remembers, and may end the run. */
import { CheckpointStore } from "./checkpoint_store.ts";
import { MetricsLog, readMetrics } from "./metrics_log.ts";
import { restore, type RunState, stateTensors } from "./restore.ts";
import { bestLook, partingOf, reasonToStop, type WatchPoint, type WatchRule } from "./watch_history.ts";

/** What a stage tells its watcher. */
export interface StageWatch {
  /** Steps from one look to the next. */
  readonly every: number;
  /** What to look for. */
  readonly rule: WatchRule;
  /** Whether a run that is ended goes back to its best look. */
  readonly restores: boolean;
  /** Measures what the state draws now, on the same prompts from the same noise every time. */
  measure(): Promise<Omit<WatchPoint, "step">>;
}

/**
 * A run's memory of its looks: `watch.jsonl`, a line each. A run that goes on cuts it back to the step that it goes on
 * from, so that its rule sees what it would have seen in one go.
 */
export class Watcher {
  readonly #watch: StageWatch;
  readonly #state: RunState;
  readonly #log: MetricsLog;
  readonly #best: CheckpointStore;
  readonly #history: WatchPoint[];
  readonly #note: (text: string) => void;

  private constructor(
    watch: StageWatch,
    state: RunState,
    { log, best, history }: { log: MetricsLog; best: CheckpointStore; history: WatchPoint[] },
    note: (text: string) => void,
  ) {
    this.#watch = watch;
    this.#state = state;
    this.#log = log;
    this.#best = best;
    this.#history = history;
    this.#note = note;
  }

  /**
   * Opens the memory of a run.
   *
   * @param watch What to do.
   * @param state What the run trains.
   * @param out The run's directory.
   * @param start Steps done before.
   * @param note Says something to the person at the terminal.
   * @returns The watcher; `close` it in the end.
   */
  static async open(
    watch: StageWatch,
    state: RunState,
    out: string,
    start: number,
    note: (text: string) => void,
  ): Promise<Watcher> {
    const log = await MetricsLog.open(`${out}/watch.jsonl`, start);
    const history = await readHistory(out);
    return new Watcher(watch, state, { log, best: new CheckpointStore(`${out}/best`, 1), history }, note);
  }

  /** Whether a step is one to look at. */
  due(step: number): boolean {
    return step % this.#watch.every === 0;
  }

  /**
   * Looks, unless it has.
   *
   * @param step Steps done.
   */
  async look(step: number): Promise<void> {
    if (this.#history.at(-1)?.step === step) return;
    const point = { step, ...await this.#watch.measure() };
    this.#history.push(point);
    this.#log.write(point);
    const { rule, restores } = this.#watch;
    if (restores && bestLook(this.#history, rule) === this.#history.length - 1) {
      await this.#best.save(step, await stateTensors(this.#state));
    }
    const parting = partingOf(this.#history, rule);
    const numbers = Object.entries(point.metrics).map(([name, value]) => `${name} ${round(value)}`).join(", ");
    const parted = parting ? `; ${rule.training} and ${rule.heldOut} part at step ${parting.step}` : "";
    this.#note(`  watched at step ${step}: ${numbers}${parted}`);
  }

  /** Why the run should end; undefined where it should not. */
  get reason(): string | undefined {
    return this.#history.length === 0 ? undefined : reasonToStop(this.#history, this.#watch.rule);
  }

  /**
   * Puts the state back to that of the best look, where the configuration asks for it.
   *
   * @param step Steps done.
   * @returns The step of the state now.
   */
  async goBack(step: number): Promise<number> {
    if (!this.#watch.restores) return step;
    const best = this.#history[bestLook(this.#history, this.#watch.rule)].step;
    if (best === step) return step;
    const stored = await this.#best.latest((path, reason) =>
      this.#note(`Checkpoint ${path} is passed over: ${reason}`)
    );
    if (stored?.step !== best) {
      this.#note(`The state of step ${best} is not there any more; that of step ${step} stays`);
      return step;
    }
    await restore(this.#state, stored.tensors);
    return best;
  }

  /** Closes the file. */
  close(): void {
    this.#log.close();
  }
}

/**
 * Reads the looks of a run.
 *
 * @param out The run's directory.
 * @returns The looks, in their order; none where nothing was watched.
 */
export async function readHistory(out: string): Promise<WatchPoint[]> {
  return await readMetrics(`${out}/watch.jsonl`) as unknown as WatchPoint[];
}

function round(value: number | null): string {
  return value === null ? "none" : `${Number(value.toPrecision(4))}`;
}
