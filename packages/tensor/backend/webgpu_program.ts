/**
 * Preparing commands: all checks and all device objects, once, so that a replay
 * only records.
 *
 * @module
 */

import type {
  BackendBuffer,
  BackendLimits,
  Binding,
  Command,
  CopyCommand,
  DispatchCommand,
  Program,
} from "./backend.ts";
import { type BoundRange, type Kernels, WebGpuPipeline } from "./webgpu_kernel.ts";
import { WebGpuBuffer } from "./webgpu_memory.ts";

/** A dispatch with everything looked up. */
interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** A copy with everything looked up. */
interface Copy {
  /** Undefined: tells a copy from a dispatch. */
  readonly pipeline?: undefined;
  readonly source: GPUBuffer;
  readonly sourceOffset: number;
  readonly target: GPUBuffer;
  readonly targetOffset: number;
  readonly bytes: number;
}

/** Prepared commands of the WebGPU backend. */
export class WebGpuProgram implements Program {
  /** The number of commands that a submit executes. */
  readonly length: number;
  /** The number of dispatches among them. */
  readonly dispatches: number;
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
    let dispatches = 0;
    for (const command of commands) {
      if (command.kind === "copy") {
        if (command.bytes === 0) continue;
        steps.push(copyStep(command, buffers));
      } else {
        const { pipeline, workgroups } = command;
        if (!(pipeline instanceof WebGpuPipeline)) throw foreign("pipeline");
        checkWorkgroups(command, limits);
        const blocks = boundBlocks(command, pipeline, buffers, limits.maxBindingBytes);
        if (workgroups.includes(0)) continue;
        pipelines.add(pipeline);
        const group = kernels.bind(pipeline, blocks);
        const [x, y, z] = workgroups;
        steps.push({ pipeline: pipeline.gpu, group, x, y, z });
        dispatches++;
      }
    }
    this.length = steps.length;
    this.dispatches = dispatches;
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
    let pass: GPUComputePassEncoder | undefined;
    let pipeline: GPUComputePipeline | undefined;
    let group: GPUBindGroup | undefined;
    for (const step of this.#steps) {
      if (step.pipeline === undefined) {
        pass?.end();
        pass = pipeline = group = undefined;
        encoder.copyBufferToBuffer(
          step.source,
          step.sourceOffset,
          step.target,
          step.targetOffset,
          step.bytes,
        );
        continue;
      }
      pass ??= encoder.beginComputePass();
      if (pipeline !== step.pipeline) {
        pass.setPipeline(pipeline = step.pipeline);
      }
      if (group !== step.group) pass.setBindGroup(0, group = step.group);
      pass.dispatchWorkgroups(step.x, step.y, step.z);
    }
    pass?.end();
  }
}

/** The handle's own type, or an error if another backend made it. */
export function own(buffer: BackendBuffer): WebGpuBuffer {
  if (buffer instanceof WebGpuBuffer) return buffer;
  throw foreign("buffer");
}

/**
 * The length of a transfer in whole words. Only one that ends where its target
 * ends may be rounded up, for it overwrites what follows.
 */
export function wholeWords(
  what: string,
  offset: number,
  bytes: number,
  end: number,
): number {
  const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(bytes) &&
    offset >= 0 && bytes >= 0 && offset + bytes <= end;
  if (!isRange) {
    throw new RangeError(
      `${what} of ${bytes} bytes at byte ${offset} does not lie inside the ` +
        `buffer of ${end} bytes`,
    );
  }
  if (offset % 4 !== 0 || (bytes % 4 !== 0 && offset + bytes !== end)) {
    throw new RangeError(
      `${what} of ${bytes} bytes at byte ${offset} is not aligned: expected ` +
        `multiples of 4, or to end at the buffer's end, byte ${end}`,
    );
  }
  return Math.ceil(bytes / 4) * 4;
}

function foreign(what: string): TypeError {
  return new TypeError(`The ${what} belongs to another backend`);
}

function checkWorkgroups(command: DispatchCommand, limits: BackendLimits) {
  const most = limits.maxWorkgroupsPerDimension;
  for (const count of command.workgroups) {
    if (!Number.isInteger(count) || count < 0 || count > most) {
      throw new RangeError(
        `Kernel "${command.pipeline.label}" cannot run ` +
          `[${command.workgroups}] workgroups: expected whole numbers from 0 ` +
          `to the adapter's limit, ${most}`,
      );
    }
  }
}

function boundBlocks(
  command: DispatchCommand,
  pipeline: WebGpuPipeline,
  buffers: Set<WebGpuBuffer>,
  most: number,
): BoundRange[] {
  const { label, access } = pipeline;
  if (command.buffers.length !== access.length) {
    throw new TypeError(
      `Kernel "${label}" got ${command.buffers.length} buffers: expected ` +
        `${access.length}`,
    );
  }
  const bound = command.buffers.map((binding, i) => {
    if (binding.access !== access[i]) {
      throw new TypeError(
        `Buffer ${i} of kernel "${label}" is bound as "${binding.access}": ` +
          `the kernel was compiled with "${access[i]}"`,
      );
    }
    return boundRange(binding, label, most);
  });
  bound.forEach(({ buffer, offset, bytes }, i) => {
    buffers.add(buffer);
    if (access[i] !== "read_write") return;
    const other = bound.findIndex((b, j) =>
      j !== i && b.buffer === buffer &&
      (access[j] === "read" || b.offset < offset + bytes && offset < b.offset + b.bytes)
    );
    if (other < 0) return;
    throw new TypeError(
      `Kernel "${label}" writes to its buffer ${i}, which is also bound as ` +
        `its buffer ${other}`,
    );
  });
  return bound.map(({ buffer, offset, bytes }, i) => ({
    block: buffer.block,
    // A whole buffer is bound to the end of its block where that can be bound
    ...((command.buffers[i].bytes !== undefined || buffer.block.bytes > most) && { offset, bytes }),
  }));
}

/** What a binding shows, checked. */
function boundRange(
  { buffer, offset = 0, bytes }: Binding,
  label: string,
  most: number,
): { buffer: WebGpuBuffer; offset: number; bytes: number } {
  const handle = own(buffer);
  const length = bytes ?? handle.bytes - offset;
  if (offset % 256 !== 0 || offset < 0 || length < 0 || offset + length > handle.bytes) {
    throw new RangeError(
      `Kernel "${label}" binds ${length} bytes from byte ${offset} of a buffer of ${handle.bytes} bytes: expected a ` +
        "range inside it that starts at a multiple of 256",
    );
  }
  if (length > most) {
    throw new RangeError(
      `Kernel "${label}" binds ${length} bytes at once: the adapter's limit for one binding is ${most} bytes`,
    );
  }
  return { buffer: handle, offset, bytes: length };
}

function copyStep(command: CopyCommand, buffers: Set<WebGpuBuffer>): Copy {
  const { sourceOffset, targetOffset } = command;
  const source = own(command.source);
  const target = own(command.target);
  if (source === target) {
    throw new TypeError(
      `Cannot copy ${command.bytes} bytes inside one buffer: expected two`,
    );
  }
  // The source is read up to its next word, which its block always has.
  wholeWords("A copy", sourceOffset, 0, source.bytes);
  if (sourceOffset + command.bytes > source.bytes) {
    throw new RangeError(
      `A copy of ${command.bytes} bytes from byte ${sourceOffset} does not ` +
        `lie inside the buffer of ${source.bytes} bytes`,
    );
  }
  const bytes = wholeWords(
    "A copy",
    targetOffset,
    command.bytes,
    target.bytes,
  );
  buffers.add(source).add(target);
  return {
    source: source.block.gpu,
    sourceOffset,
    target: target.block.gpu,
    targetOffset,
    bytes,
  };
}
