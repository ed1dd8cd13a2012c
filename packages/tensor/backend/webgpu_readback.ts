/**
 * Reading buffers back, many with one wait.
 *
 * @module
 */

/** A requested download. */
interface Request {
  readonly source: GPUBuffer;
  readonly bytes: number;
  /** Where its copy starts in the staging buffer. */
  readonly offset: number;
  readonly resolve: (data: ArrayBuffer) => void;
  readonly reject: (error: unknown) => void;
}

/** Mapped ranges start at multiples of 8. */
const ALIGNMENT = 8;

/**
 * Gathers the downloads that are requested before the next await, copies them
 * into one staging buffer and maps it once: the price of a map is the wait.
 */
export class Readback {
  readonly #device: GPUDevice;
  readonly #largest: number;
  #requests: Request[] = [];
  #bytes = 0;

  /**
   * @param device The device.
   * @param largest The length of the largest staging buffer.
   */
  constructor(device: GPUDevice, largest: number) {
    this.#device = device;
    this.#largest = largest;
  }

  /** Requests the first bytes of a buffer, as they are now. */
  request(source: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    const padded = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    if (this.#bytes + padded > this.#largest) this.flush();
    if (this.#requests.length === 0) queueMicrotask(() => this.flush());
    const offset = this.#bytes;
    this.#bytes += padded;
    const { promise, resolve, reject } = Promise.withResolvers<ArrayBuffer>();
    this.#requests.push({ source, bytes, offset, resolve, reject });
    return promise;
  }

  /**
   * Queues the copies of what was requested. Whatever changes a buffer calls
   * this first, so that a download never sees a later write.
   */
  flush(): void {
    if (this.#requests.length === 0) return;
    const requests = this.#requests;
    const size = this.#bytes;
    this.#requests = [];
    this.#bytes = 0;
    read(this.#device, requests, size).catch((error) => {
      for (const { reject } of requests) reject(error);
    });
  }
}

async function read(
  device: GPUDevice,
  requests: readonly Request[],
  size: number,
): Promise<void> {
  const { MAP_READ, COPY_DST } = GPUBufferUsage;
  const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  try {
    const encoder = device.createCommandEncoder();
    for (const { source, bytes, offset } of requests) {
      const words = Math.ceil(bytes / 4) * 4;
      encoder.copyBufferToBuffer(source, 0, staging, offset, words);
    }
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const mapped = staging.getMappedRange();
    for (const { bytes, offset, resolve } of requests) {
      resolve(mapped.slice(offset, offset + bytes));
    }
  } finally {
    staging.destroy();
  }
}
