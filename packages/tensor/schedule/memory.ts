/** Gives every intermediate a lifetime and lets intermediates that never live at once share a buffer. */

/** An intermediate: when it is first written and last read, and how long it is. */
export interface Lifetime {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/** Shared buffers: their sizes, and which of them each intermediate got. */
export interface MemoryPlan {
  readonly slots: readonly number[];
  readonly slotOf: readonly number[];
}

/**
 * Assigns each lifetime a slot, in order of first use, choosing the free slot whose size fits best and growing it
 * where none is large enough. Nothing that a kernel reads shares a slot with what it writes.
 */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const slots: { bytes: number; busyUntil: number }[] = [];
  const slotOf = new Array<number>(lifetimes.length);
  const order = lifetimes.map((_, i) => i).sort((a, b) => lifetimes[a].first - lifetimes[b].first);
  for (const i of order) {
    const { first, last, bytes } = lifetimes[i];
    let best = -1;
    for (let s = 0; s < slots.length; s++) {
      if (slots[s].busyUntil >= first) continue;
      // Too large wastes its excess once, too small must grow by what it lacks: both cost their difference
      if (
        best < 0 ||
        Math.abs(slots[s].bytes - bytes) < Math.abs(slots[best].bytes - bytes)
      ) best = s;
    }
    if (best < 0) best = slots.push({ bytes: 0, busyUntil: -1 }) - 1;
    slots[best].bytes = Math.max(slots[best].bytes, bytes);
    slots[best].busyUntil = last;
    slotOf[i] = best;
  }
  return { slots: slots.map((s) => s.bytes), slotOf };
}
