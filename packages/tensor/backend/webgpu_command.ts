/**
 * Checking commands against what the device allows, before anything is recorded.
 *
 * @module
 */

import type { BackendBuffer, BackendLimits, CopyCommand, DispatchCommand } from "./backend.ts";
import { boundRanges, copyLength, foreign } from "./command_checks.ts";
import { type BoundRange, WebGpuPipeline } from "./webgpu_kernel.ts";
import { WebGpuBuffer } from "./webgpu_memory.ts";

/** A copy with everything looked up. */
export interface Copy {
  /** Undefined: tells a copy from a dispatch. */
  readonly pipeline?: undefined;
  /** Where to read. */
  readonly source: GPUBuffer;
  /** First byte to read. */
  readonly sourceOffset: number;
  /** Where to write. */
  readonly target: GPUBuffer;
  /** First byte to write. */
  readonly targetOffset: number;
  /** Length of the copy. */
  readonly bytes: number;
}

/** A dispatch's pipeline and the ranges that it binds, checked; buffers that it uses are added to `buffers`. */
export function checkDispatch(
  command: DispatchCommand,
  limits: BackendLimits,
  buffers: Set<WebGpuBuffer>,
): { pipeline: WebGpuPipeline; ranges: BoundRange[] } {
  const { pipeline } = command;
  if (!(pipeline instanceof WebGpuPipeline)) throw foreign("pipeline");
  checkWorkgroups(command, limits);
  return { pipeline, ranges: boundBlocks(command, pipeline, buffers, limits.maxBindingBytes) };
}

/** The handle's own type, or an error if another backend made it. */
export function own(buffer: BackendBuffer): WebGpuBuffer {
  if (buffer instanceof WebGpuBuffer) return buffer;
  throw foreign("buffer");
}

function checkWorkgroups(command: DispatchCommand, limits: BackendLimits) {
  const most = limits.maxWorkgroupsPerDimension;
  for (const count of command.workgroups ?? []) {
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
  const bound = boundRanges(pipeline.label, pipeline.access, command.buffers, most, own);
  for (const { buffer } of bound) buffers.add(buffer);
  return bound.map(({ buffer, offset, bytes }, i) => ({
    block: buffer.block,
    // A whole buffer is bound to the end of its block where that can be bound
    ...((command.buffers[i].bytes !== undefined || buffer.block.bytes > most) && { offset, bytes }),
  }));
}

/** A copy, checked; its buffers are added to `buffers`. */
export function checkCopy(command: CopyCommand, buffers: Set<WebGpuBuffer>): Copy {
  const { sourceOffset, targetOffset } = command;
  const source = own(command.source);
  const target = own(command.target);
  const bytes = copyLength(command);
  buffers.add(source).add(target);
  return {
    source: source.block.gpu,
    sourceOffset,
    target: target.block.gpu,
    targetOffset,
    bytes,
  };
}
