/**
 * Compiled kernels and their bind groups, each made once.
 *
 * @module
 */

import type { Access, BackendPipeline } from "./backend.ts";
import { compileMessage } from "./webgpu_errors.ts";
import type { Block } from "./webgpu_memory.ts";

/** Most kernels kept; beyond it the longest unused goes, to be compiled again if it is asked for. */
const MAX_PIPELINES = 4096;

/** Most bind groups kept; beyond it the oldest goes. Programs keep their own. */
const MAX_GROUPS = 8192;

/** What all kernels with the same access list share. */
export interface Layout {
  /** The accesses as one letter each: the key of the layout. */
  readonly key: string;
  /** The layout of the bind groups. */
  readonly group: GPUBindGroupLayout;
  /** The layout of the pipelines. */
  readonly pipeline: GPUPipelineLayout;
}

/** A compiled kernel. */
export class WebGpuPipeline implements BackendPipeline {
  /** The name that errors carry. */
  readonly label: string;
  /** How each buffer is used. */
  readonly access: readonly Access[];
  /** The device's own handle. */
  readonly gpu: GPUComputePipeline;
  /** The layout of its bind groups. */
  readonly layout: Layout;
  /** Why the kernel cannot run, once it is known. */
  error: Error | undefined;

  /** Made by {@linkcode Kernels.compile}. */
  constructor(
    label: string,
    access: readonly Access[],
    gpu: GPUComputePipeline,
    layout: Layout,
  ) {
    this.label = label;
    this.access = access;
    this.gpu = gpu;
    this.layout = layout;
  }
}

/** A block, or a range of its bytes. */
export interface BoundRange {
  /** The memory. */
  readonly block: Block;
  /** First byte; 0 by default. */
  readonly offset?: number;
  /** Number of bytes; all by default. */
  readonly bytes?: number;
}

/** Compiles kernels of a device and binds blocks to them. */
export class Kernels {
  readonly #device: GPUDevice;
  readonly #onError: (error: Error) => void;
  readonly #pipelines: Map<string, WebGpuPipeline> = new Map();
  readonly #layouts: Map<string, Layout> = new Map();
  readonly #groups: Map<string, { group: GPUBindGroup; blocks: readonly Block[] }> = new Map();
  #compiled = 0;

  /** Errors of the compiler arrive late, through onError. */
  constructor(device: GPUDevice, onError: (error: Error) => void) {
    this.#device = device;
    this.#onError = onError;
  }

  /** The number of kernels compiled. */
  get size(): number {
    return this.#compiled;
  }

  /** Compiles a kernel, or returns the one compiled before. */
  compile(
    code: string,
    label: string,
    access: readonly Access[],
  ): WebGpuPipeline {
    const layout = this.#layout(access);
    const key = `${layout.key}:${code}`;
    const known = this.#pipelines.get(key);
    if (known !== undefined) {
      // To the end: the longest unused comes first
      this.#pipelines.delete(key);
      this.#pipelines.set(key, known);
      return known;
    }
    const device = this.#device;
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code, label });
    const gpu = device.createComputePipeline({
      label,
      layout: layout.pipeline,
      compute: { module, entryPoint: "main" },
    });
    const pipeline = new WebGpuPipeline(label, [...access], gpu, layout);
    this.#pipelines.set(key, pipeline);
    this.#compiled++;
    if (this.#pipelines.size > MAX_PIPELINES) this.#pipelines.delete(this.#pipelines.keys().next().value!);
    device.popErrorScope().then((error) => {
      if (error === null) return;
      this.#pipelines.delete(key);
      pipeline.error = new Error(compileMessage(label, code, error));
      this.#onError(pipeline.error);
    }, () => {/* The device is gone, and that is reported elsewhere. */});
    return pipeline;
  }

  /** The bind group of blocks for a kernel. */
  bind(pipeline: WebGpuPipeline, ranges: readonly BoundRange[]): GPUBindGroup {
    let key = pipeline.layout.key;
    for (const { block, offset, bytes } of ranges) {
      key += bytes === undefined ? `,${block.id}` : `,${block.id}@${offset}+${bytes}`;
    }
    const known = this.#groups.get(key);
    if (known !== undefined) return known.group;
    const group = this.#device.createBindGroup({
      label: pipeline.label,
      layout: pipeline.layout.group,
      entries: ranges.map(({ block, offset = 0, bytes }, binding) => ({
        binding,
        resource: { buffer: block.gpu, offset, ...(bytes !== undefined && { size: Math.ceil(bytes / 4) * 4 }) },
      })),
    });
    const blocks = ranges.map((range) => range.block);
    this.#groups.set(key, { group, blocks });
    for (const block of blocks) block.groupKeys.add(key);
    if (this.#groups.size > MAX_GROUPS) this.#forget(this.#groups.keys().next().value!);
    return group;
  }

  /** Forgets the bind groups that hold a block. */
  unbind(block: Block): void {
    for (const key of block.groupKeys) this.#forget(key);
  }

  #forget(key: string): void {
    for (const block of this.#groups.get(key)!.blocks) block.groupKeys.delete(key);
    this.#groups.delete(key);
  }

  #layout(access: readonly Access[]): Layout {
    const key = access.map((a) => a === "read" ? "r" : "w").join("");
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    // Explicit: an automatic layout drops the bindings that a kernel ignores.
    const group = this.#device.createBindGroupLayout({
      entries: access.map((a, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: a === "read" ? "read-only-storage" : "storage" },
      })),
    });
    const pipeline = this.#device.createPipelineLayout({
      bindGroupLayouts: [group],
    });
    const layout = { key, group, pipeline };
    this.#layouts.set(key, layout);
    return layout;
  }
}
