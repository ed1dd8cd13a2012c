/**
 * Device memory in blocks of a few sizes, kept for reuse when freed.
 *
 * @module
 */

import type { BackendBuffer } from "./backend.ts";

const SMALLEST_BLOCK = 256;

/** A piece of device memory. Handles come and go, blocks are reused. */
export interface Block {
  /** The device's own handle. */
  readonly gpu: GPUBuffer;
  /** Its length: a size class. */
  readonly bytes: number;
  /** Tells blocks apart in keys. */
  readonly id: number;
  /** The keys of cached bind groups that hold this block. */
  readonly groupKeys: Set<string>;
  /** Why there is no memory behind it, once that is known. */
  error: Error | undefined;
}

/** A handle of a block, valid from allocate to free. */
export class WebGpuBuffer implements BackendBuffer {
  /** The length asked for. */
  readonly bytes: number;
  readonly #block: Block;
  #live = true;

  /** Made by {@linkcode Memory.allocate}. */
  constructor(bytes: number, block: Block) {
    this.bytes = bytes;
    this.#block = block;
  }

  /** Whether the handle was not freed, and there is memory behind it. */
  get isUsable(): boolean {
    return this.#live && this.#block.error === undefined;
  }

  /** The memory behind the handle, which must not have been freed. */
  get block(): Block {
    this.#checkLive();
    if (this.#block.error) throw this.#block.error;
    return this.#block;
  }

  /** Ends the handle and returns its block. */
  release(): Block {
    this.#checkLive();
    this.#live = false;
    return this.#block;
  }

  #checkLive(): void {
    if (!this.#live) throw new TypeError(`The buffer of ${this.bytes} bytes was freed`);
  }
}

/**
 * The length of the block for a buffer: whole words, from 2 KiB on in steps of
 * an eighth of a power of two, so that little is lost and much is reused.
 *
 * @example Usage
 * ```ts
 * import { sizeClass } from "./webgpu_memory.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(sizeClass(3), 256);
 * assertEquals(sizeClass(4097), 4608);
 * ```
 */
export function sizeClass(bytes: number): number {
  const step = Math.max(
    SMALLEST_BLOCK,
    2 ** Math.floor(Math.log2(Math.max(bytes, 1))) / 8,
  );
  return Math.max(SMALLEST_BLOCK, Math.ceil(bytes / step) * step);
}

/** Allocates blocks of a device, and keeps freed ones up to a capacity. */
export class Memory {
  readonly #device: GPUDevice;
  readonly #largest: number;
  readonly #capacity: number;
  readonly #onDestroy: (block: Block) => void;
  readonly #onError: (error: Error) => void;
  readonly #asked: Set<Promise<Error | undefined>> = new Set();
  readonly #live: Set<Block> = new Set();
  /** Freed blocks, the longest unused first. */
  readonly #pooled: Set<Block> = new Set();
  /** The same blocks by size, the last freed one last. */
  readonly #bySize: Map<number, Block[]> = new Map();
  #nextId = 0;
  #liveBytes = 0;
  #pooledBytes = 0;
  #peakBytes = 0;

  /**
   * @param device The device.
   * @param largest The length of the largest block.
   * @param capacity Bytes of freed blocks to keep.
   * @param onDestroy Told of every block that is given back to the device.
   * @param onError Told when the device turns out to have no memory left.
   */
  constructor(
    device: GPUDevice,
    largest: number,
    capacity: number,
    onDestroy: (block: Block) => void,
    onError: (error: Error) => void,
  ) {
    this.#device = device;
    this.#largest = largest;
    this.#capacity = capacity;
    this.#onDestroy = onDestroy;
    this.#onError = onError;
  }

  /** Hands out a buffer, over a reused block where one fits. */
  allocate(bytes: number, owner?: { toString(): string }): WebGpuBuffer {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new RangeError(
        `Cannot allocate ${bytes} bytes${whose(owner)}: expected a whole number, 0 or more`,
      );
    }
    if (bytes > this.#largest) {
      throw new RangeError(
        `Cannot allocate ${bytes} bytes${whose(owner)}: the adapter's limit for ` +
          `one buffer is ${this.#largest} bytes`,
      );
    }
    const size = Math.min(sizeClass(bytes), this.#largest);
    const block = this.#unpool(size) ?? this.#create(size, owner);
    this.#live.add(block);
    this.#liveBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return new WebGpuBuffer(bytes, block);
  }

  /** Takes a buffer back. */
  free(buffer: WebGpuBuffer): void {
    const block = buffer.release();
    this.#live.delete(block);
    this.#liveBytes -= block.bytes;
    if (block.error) return this.#destroy(block);
    this.#pooled.add(block);
    this.#pooledBytes += block.bytes;
    const same = this.#bySize.get(block.bytes);
    if (same === undefined) this.#bySize.set(block.bytes, [block]);
    else same.push(block);
    this.#trim();
  }

  /** The counters that concern memory. */
  stats(): {
    liveBuffers: number;
    liveBytes: number;
    pooledBytes: number;
    peakBytes: number;
  } {
    return {
      liveBuffers: this.#live.size,
      liveBytes: this.#liveBytes,
      pooledBytes: this.#pooledBytes,
      peakBytes: this.#peakBytes,
    };
  }

  /** Gives everything back to the device. */
  destroy(): void {
    for (const block of [...this.#live, ...this.#pooled]) block.gpu.destroy();
    this.#live.clear();
    this.#pooled.clear();
    this.#bySize.clear();
    this.#liveBytes = this.#pooledBytes = 0;
  }

  /** Waits until it is known of every block whether there is memory behind it; gives the first error. */
  async settle(): Promise<Error | undefined> {
    if (this.#asked.size === 0) return undefined;
    return (await Promise.all(this.#asked)).find((error) => error !== undefined);
  }

  #create(size: number, owner: { toString(): string } | undefined): Block {
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const device = this.#device;
    device.pushErrorScope("out-of-memory");
    const gpu = device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
    const block: Block = { gpu, bytes: size, id: this.#nextId++, groupKeys: new Set(), error: undefined };
    const asked = device.popErrorScope().then((error) => {
      if (error !== null) this.#exhausted(block, owner);
      return block.error;
    }, () => undefined /* The device is gone, and that is reported elsewhere. */)
      .finally(() => this.#asked.delete(asked));
    this.#asked.add(asked);
    return block;
  }

  #exhausted(block: Block, owner: { toString(): string } | undefined): void {
    block.error = new Error(
      `The device's memory is exhausted: no ${block.bytes} bytes left${whose(owner)}, beside ` +
        `${this.#liveBytes - block.bytes} live bytes in ${this.#live.size - 1} buffers`,
    );
    // What is kept for reuse may be what the next attempt needs
    this.#trim(0);
    this.#onError(block.error);
  }

  #unpool(size: number): Block | undefined {
    const block = this.#bySize.get(size)?.pop();
    if (block === undefined) return undefined;
    this.#pooled.delete(block);
    this.#pooledBytes -= size;
    return block;
  }

  #trim(capacity = this.#capacity): void {
    for (const block of this.#pooled) {
      if (this.#pooledBytes <= capacity) return;
      this.#pooled.delete(block);
      this.#pooledBytes -= block.bytes;
      const same = this.#bySize.get(block.bytes)!;
      same.splice(same.indexOf(block), 1);
      if (same.length === 0) this.#bySize.delete(block.bytes);
      this.#destroy(block);
    }
  }

  #destroy(block: Block): void {
    // Undestroyed buffers are invisible to the garbage collector's limits.
    block.gpu.destroy();
    this.#onDestroy(block);
  }
}

function whose(owner: { toString(): string } | undefined): string {
  return owner === undefined ? "" : ` for ${owner}`;
}
