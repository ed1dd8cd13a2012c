import { assert, assertEquals } from "@std/assert";
import { Heap, type Range } from "./wasm_memory.ts";
import { Staging } from "./wasm_staging.ts";

const START = 4096;

function heapOf(pages: number): { heap: Heap; memory: WebAssembly.Memory } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true });
  return { heap: new Heap(memory, START, pages * 2 ** 16), memory };
}

/** Numbers from 0 to 1, always the same. */
function randoms(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

Deno.test("Heap hands out ranges that lie apart, and what is given back becomes one", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = randoms(seed);
    const { heap, memory } = heapOf(4096);
    const taken: Range[] = [];
    for (let i = 0; i < 2000; i++) {
      if (taken.length > 0 && random() < (i % 500 < 250 ? 0.4 : 0.6)) {
        const range = taken.splice(Math.floor(random() * taken.length), 1)[0];
        range.used = i;
        heap.give(range);
        continue;
      }
      const bytes = Math.floor(2 ** (random() * 18));
      const range = heap.take(bytes, random() < 0.2 ? i - 50 : Infinity)!;
      assert(range.bytes >= bytes && range.bytes < bytes + 64 + (bytes === 0 ? 64 : 0));
      assert(range.address % 64 === 0 && range.address >= START);
      // Readable behind
      assert(range.address + range.bytes + 64 <= memory.buffer.byteLength);
      taken.push(range);
    }
    const sorted = taken.toSorted((a, b) => a.address - b.address);
    sorted.forEach((range, i) => assert(i === 0 || sorted[i - 1].address + sorted[i - 1].bytes <= range.address));
    const live = taken.reduce((sum, range) => sum + range.bytes, 0);
    const all = memory.buffer.byteLength - 64 - START;
    assertEquals(heap.freeBytes + live, all);
    for (const range of taken) heap.give(range);
    assertEquals(heap.freeBytes, all);
    const whole = heap.take(all)!;
    assertEquals([whole.address, whole.bytes], [START, all]);
    assertEquals(memory.buffer.byteLength - 64 - START, all);
  }
});

Deno.test("Heap takes the smallest range that is large enough, and says what is left", () => {
  const { heap } = heapOf(16);
  const ranges = [640, 64, 1280, 64, 320, 64].map((bytes) => heap.take(bytes)!);
  for (const i of [0, 2, 4]) heap.give(ranges[i]);
  assertEquals(heap.take(300)!.address, ranges[4].address);
  assertEquals(heap.take(600)!.address, ranges[0].address);
  assertEquals(heap.take(1200)!.address, ranges[2].address);
  const { largest } = heap;
  assertEquals(heap.take(largest + 1), undefined);
  assertEquals(heap.take(largest)!.bytes, largest);
  assertEquals(heap.take(64)?.bytes, 64); // what is left of the 1280
});

Deno.test("Staging writes only where nothing in the queue reads, and uses memory again", () => {
  const { heap, memory } = heapOf(4096);
  const staging = new Staging(heap);
  const used: { start: number; end: number; use: number }[] = [];
  const random = randoms(7);
  let completed = 0;
  for (let i = 1; i <= 3000; i++) {
    // The queue lags behind by up to 20 programs
    completed = Math.max(completed, i - Math.floor(20 * random()) - 1);
    const bytes = Math.floor(2 ** (random() * 21.5));
    const start = staging.take(bytes, i, completed)!;
    for (const other of used) {
      assert(other.use <= completed || other.end <= start || start + bytes <= other.start);
    }
    used.push({ start, end: start + bytes, use: i });
    if (used.length > 25) used.shift();
  }
  assert(memory.buffer.byteLength < 2 ** 27, `${memory.buffer.byteLength}`);
});
