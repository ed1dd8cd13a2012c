/**
 * Preparing commands: all checks and all device objects, once, so that a replay
 * only records.
 *
 * @module
 */

import type { BackendLimits, Command, Program } from "./backend.ts";
import { checkCopy, checkDispatch, type Copy } from "./webgpu_command.ts";
import type { Kernels, WebGpuPipeline } from "./webgpu_kernel.ts";
import type { WebGpuBuffer } from "./webgpu_memory.ts";

/** A dispatch with everything looked up. */
interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** Prepared commands of the WebGPU backend. */
export class WebGpuProgram implements Program {
  /** The number of commands that a submit executes. */
  readonly length: number;
  /** The number of dispatches among them. */
  readonly dispatches: number;
  /** The number of commands that it was made of. */
  readonly commands: number;
  /** Of each command that is executed, which of those it is. */
  readonly sources: readonly number[];
  readonly #steps: readonly (Dispatch | Copy)[];
  readonly #buffers: readonly WebGpuBuffer[];
  readonly #pipelines: readonly WebGpuPipeline[];

  /** Validates commands and looks up what they need. */
  constructor(
    commands: readonly Command[],
    kernels: Kernels,
    limits: BackendLimits,
  ) {
    const buffers = new Set<WebGpuBuffer>();
    const pipelines = new Set<WebGpuPipeline>();
    const steps: (Dispatch | Copy)[] = [];
    const sources: number[] = [];
    let dispatches = 0;
    for (const [i, command] of commands.entries()) {
      if (command.kind === "copy") {
        if (command.bytes === 0) continue;
        steps.push(checkCopy(command, buffers));
      } else {
        const { pipeline, ranges } = checkDispatch(command, limits, buffers);
        const [x, y, z] = command.workgroups ?? [1, 1, 1];
        if (x * y * z === 0) continue;
        pipelines.add(pipeline);
        steps.push({ pipeline: pipeline.gpu, group: kernels.bind(pipeline, ranges), x, y, z });
        dispatches++;
      }
      sources.push(i);
    }
    this.length = steps.length;
    this.dispatches = dispatches;
    this.commands = commands.length;
    this.sources = sources;
    this.#steps = steps;
    this.#buffers = [...buffers];
    this.#pipelines = [...pipelines];
  }

  /** Whether the program can still run. */
  get isUsable(): boolean {
    return this.#pipelines.every((p) => p.error === undefined) && this.#buffers.every((b) => b.isUsable);
  }

  /** Throws if the program can no longer run. */
  check(): void {
    for (const pipeline of this.#pipelines) {
      if (pipeline.error !== undefined) throw pipeline.error;
    }
    for (const buffer of this.#buffers) {
      // Throws what is wrong with it
      if (!buffer.isUsable) void buffer.block;
    }
  }

  /** Records the commands. Dispatches share a pass until a copy splits it. */
  record(encoder: GPUCommandEncoder): void {
    recordSteps(encoder, this.#steps);
  }

  /** Records the command in place `at` of those that are executed, `count` times. */
  recordAgain(encoder: GPUCommandEncoder, at: number, count: number): void {
    recordSteps(encoder, new Array(count).fill(this.#steps[at]));
  }

  /** Commands that do equal work have equal ones. */
  workOf(at: number): unknown {
    const step = this.#steps[at];
    return step.pipeline ?? step.bytes;
  }

  /** Records every command between two reads of the clock; `query` tells where the n-th read goes. */
  recordTimed(encoder: GPUCommandEncoder, query: (n: number) => { querySet: GPUQuerySet; index: number }): void {
    for (const [i, step] of this.#steps.entries()) {
      const [before, after] = [query(2 * i), query(2 * i + 1)];
      const read = ({ querySet, index }: typeof before) => {
        encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: index } }).end();
      };
      read(before);
      recordSteps(encoder, [step]);
      read(after);
    }
  }
}

/** The backend's own type of a program, which can run; an error if it cannot, or another backend made it. */
export function runnable(program: Program): WebGpuProgram {
  if (!(program instanceof WebGpuProgram)) throw new TypeError("The program belongs to another backend");
  program.check();
  return program;
}

function recordSteps(encoder: GPUCommandEncoder, steps: readonly (Dispatch | Copy)[]): void {
  let pass: GPUComputePassEncoder | undefined;
  let pipeline: GPUComputePipeline | undefined;
  let group: GPUBindGroup | undefined;
  for (const step of steps) {
    if (step.pipeline === undefined) {
      pass?.end();
      pass = pipeline = group = undefined;
      encoder.copyBufferToBuffer(step.source, step.sourceOffset, step.target, step.targetOffset, step.bytes);
      continue;
    }
    pass ??= encoder.beginComputePass();
    if (pipeline !== step.pipeline) pass.setPipeline(pipeline = step.pipeline);
    if (group !== step.group) pass.setBindGroup(0, group = step.group);
    pass.dispatchWorkgroups(step.x, step.y, step.z);
  }
  pass?.end();
}
