/**
 * Commands as words that the threads read.
 *
 * @module
 */

import type { BackendBuffer, BackendLimits, Command, Program } from "./backend.ts";
import { WasmBuffer } from "./wasm_buffer.ts";
import { boundRanges, copyLength, foreign } from "./command_checks.ts";
import { COPY_BYTES, COPY_ENTRY, HEADER, HEADER_WORDS, PHASE_WORDS } from "./wasm_driver.ts";
import { type WasmKernels, WasmPipeline } from "./wasm_kernel.ts";
import type { Work } from "./wasm_queue.ts";

/** The number that stands for no kernel. */
const NO_KERNEL = 2 ** 32 - 1;

/** Entry, tasks and words of the list of buffers, and the number of the kernel. */
interface Phase {
  readonly entry: number;
  readonly tasks: number;
  readonly list: number;
  readonly kernel: number;
}

/** Phases and the lists that they read, one after another. */
export class ProgramWords {
  readonly #phases: Phase[] = [];
  readonly #lists: number[] = [];

  /** Adds a list and gives its place. */
  list(values: readonly number[]): number {
    return this.#lists.push(...values) - values.length;
  }

  /** Adds a phase. */
  phase(entry: number, tasks: number, list: number, kernel: number): void {
    this.#phases.push({ entry, tasks, list, kernel });
  }

  /** Adds a copy. */
  copy(target: number, source: number, bytes: number): void {
    this.phase(COPY_ENTRY, Math.ceil(bytes / COPY_BYTES), this.list([target, source, bytes]), NO_KERNEL);
  }

  /** The program. */
  finish(): Uint32Array {
    const start = HEADER_WORDS + PHASE_WORDS * this.#phases.length;
    const words = new Uint32Array(start + this.#lists.length);
    words[HEADER.phases] = this.#phases.length;
    this.#phases.forEach(({ entry, tasks, list, kernel }, i) =>
      words.set([entry, tasks, 4 * (start + list), kernel], HEADER_WORDS + PHASE_WORDS * i)
    );
    words.set(this.#lists, start);
    return words;
  }
}

/** The handle's own type, or an error if another backend made it. */
export function own(buffer: BackendBuffer): WasmBuffer {
  if (buffer instanceof WasmBuffer) return buffer;
  throw foreign("buffer");
}

/** Prepared commands of the WebAssembly backend. */
export class WasmProgram implements Program, Work {
  /** The number of commands that a submit executes. */
  readonly length: number;
  /** The number of dispatches among them. */
  readonly dispatches: number;
  /** What it was made of. */
  readonly commands: readonly Command[];
  /** Its words. */
  readonly words: Uint32Array;
  /** Number of modules that must have been sent before it runs. */
  readonly modules: number;
  /** The buffers that it uses. */
  readonly buffers: ReadonlySet<WasmBuffer>;
  /** Those that it writes. */
  readonly written: ReadonlySet<WasmBuffer>;
  readonly #pipelines: readonly WasmPipeline[];

  /** Validates commands and writes them down. */
  constructor(commands: readonly Command[], kernels: WasmKernels, limits: BackendLimits) {
    const buffers = new Set<WasmBuffer>();
    const written = new Set<WasmBuffer>();
    const pipelines = new Set<WasmPipeline>();
    // All checks come first: what is refused leaves nothing behind
    const steps: (() => void)[] = [];
    const program = new ProgramWords();
    let dispatches = 0;
    for (const command of commands) {
      if (command.kind === "copy") {
        const [source, target] = [own(command.source), own(command.target)];
        const bytes = copyLength(command);
        if (bytes === 0) continue;
        buffers.add(source).add(target);
        written.add(target);
        const from = source.range.address + command.sourceOffset;
        const to = target.range.address + command.targetOffset;
        steps.push(() => program.copy(to, from, bytes));
        continue;
      }
      const { pipeline } = command;
      if (!(pipeline instanceof WasmPipeline)) throw foreign("pipeline");
      const { label, access, tasks } = pipeline;
      const ranges = boundRanges(label, access, command.buffers, limits.maxBindingBytes, own);
      const addresses = ranges.map(({ buffer, offset }) => buffer.range.address + offset);
      if (tasks.every((count) => count === 0)) continue;
      ranges.forEach(({ buffer }, i) => {
        buffers.add(buffer);
        if (access[i] === "read_write") written.add(buffer);
      });
      pipelines.add(pipeline);
      dispatches++;
      steps.push(() => {
        const list = program.list(addresses);
        tasks.forEach((count, i) => program.phase(pipeline.entry! + i, count, list, pipeline.id));
      });
    }
    this.commands = commands;
    kernels.link(pipelines);
    for (const step of steps) step();
    this.length = steps.length;
    this.dispatches = dispatches;
    this.words = program.finish();
    this.modules = Math.max(0, ...[...pipelines].map((pipeline) => pipeline.modules));
    this.buffers = buffers;
    this.written = written;
    this.#pipelines = [...pipelines];
  }

  /** Whether a kernel of it does not compile. */
  get isBroken(): boolean {
    return this.#pipelines.some((pipeline) => pipeline.error !== undefined);
  }

  /** Whether the program can still run. */
  get isUsable(): boolean {
    return !this.isBroken && [...this.buffers].every((buffer) => buffer.isUsable);
  }

  /** Throws if the program can no longer run. */
  check(): void {
    for (const { error } of this.#pipelines) {
      if (error !== undefined) throw error;
    }
    // Throws what is wrong with it
    for (const buffer of this.buffers) void buffer.range;
  }
}
