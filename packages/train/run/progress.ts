/** What a person at the terminal sees of a run. */

/** Numbers of one step, by name. */
export type StepMetrics = Readonly<Record<string, number>>;

/** Where progress goes; by default standard error. */
export interface ProgressOutput {
  /** Whether a line can be rewritten. */
  readonly isTerminal: boolean;
  /** Width of a line. */
  readonly columns: number;
  /** Writes text as it is. */
  write(text: string): void;
}

/** Standard error. */
export function stderr(): ProgressOutput {
  const isTerminal = Deno.stderr.isTerminal();
  let columns = 100;
  try {
    if (isTerminal) columns = Deno.consoleSize().columns;
  } catch {
    // Not every terminal tells its size.
  }
  return {
    isTerminal,
    columns,
    write: (text) => {
      Deno.stderr.writeSync(new TextEncoder().encode(text));
    },
  };
}

/**
 * A progress bar on a terminal; elsewhere a plain line now and then, so that
 * logs stay readable.
 */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #title: string;
  readonly #shown: readonly string[];
  #lastLine = -Infinity;
  #isOpen = false;

  /**
   * @param title What is running, for instance "align".
   * @param shown Names of the metrics to show, in order.
   * @param output Where to write.
   */
  constructor(
    title: string,
    shown: readonly string[],
    output: ProgressOutput = stderr(),
  ) {
    this.#title = title;
    this.#shown = shown;
    this.#output = output;
  }

  /**
   * Shows where the run is.
   *
   * @param step Steps done.
   * @param total Steps to do.
   * @param metrics The numbers of the last step.
   * @param stepSeconds What a step takes; of the first read, which holds the compilation, nothing is foretold.
   * @param isFirst Whether this is that read.
   */
  update(
    step: number,
    total: number,
    metrics: StepMetrics,
    stepSeconds: number,
    isFirst = false,
  ): void {
    const left = duration((total - step) * stepSeconds);
    const numbers = this.#shown.filter((name) => name in metrics)
      .map((name) => `${name} ${short(metrics[name])}`);
    const facts = isFirst
      ? [`compiled in ${seconds(stepSeconds)}`, ...numbers]
      : [`${seconds(stepSeconds)}/step`, ...numbers, `${left} left`];
    const count = `${this.#title} ${`${step}`.padStart(`${total}`.length)}/${total}`;
    if (this.#output.isTerminal) {
      const width = 20, full = Math.round(width * step / total);
      const bar = "█".repeat(full) + "░".repeat(width - full);
      const line = [`${count} ${bar}`, ...facts].join("  ");
      this.#output.write(`\r\x1b[K${line.slice(0, this.#output.columns - 1)}`);
      this.#isOpen = true;
      return;
    }
    // Ten lines for a short run, one every ten seconds at most for a long one.
    const now = performance.now();
    if (step < total && now - this.#lastLine < 10_000) return;
    this.#lastLine = now;
    this.#output.write([count, ...facts].join("  ") + "\n");
  }

  /** Writes a line of its own. */
  note(text: string): void {
    this.close();
    this.#output.write(text + "\n");
  }

  /** Ends the line of the bar. */
  close(): void {
    if (this.#isOpen) this.#output.write("\n");
    this.#isOpen = false;
  }
}

/** A number in four digits or so. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return `${value}`;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2);
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 3);
}

/** A time span for eyes. */
export function duration(total: number): string {
  const whole = Math.max(0, Math.round(total));
  const [h, m, s] = [whole / 3600, whole / 60 % 60, whole % 60].map(Math.floor);
  const two = (n: number) => `${n}`.padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function seconds(value: number): string {
  return value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`;
}
