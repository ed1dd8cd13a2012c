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
 * Assigns each lifetime a slot, the largest first, so that no slot grows: of the slots that are free all that time, the
 * one that is idle shortest before or after it; a new one where none is free. Nothing that a kernel reads shares a slot
 * with what it writes.
 */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const slots: { bytes: number; tenants: Lifetime[] }[] = [];
  const slotOf = new Array<number>(lifetimes.length);
  const order = lifetimes.map((_, i) => i)
    .sort((i, j) => lifetimes[j].bytes - lifetimes[i].bytes || lifetimes[i].first - lifetimes[j].first);
  for (const i of order) {
    let [best, least] = [-1, Infinity];
    for (const [s, { tenants }] of slots.entries()) {
      const idle = idleTime(lifetimes[i], tenants);
      if (idle < least) [best, least] = [s, idle];
    }
    if (best < 0) best = slots.push({ bytes: lifetimes[i].bytes, tenants: [] }) - 1;
    slots[best].tenants.push(lifetimes[i]);
    slotOf[i] = best;
  }
  return { slots: slots.map((s) => s.bytes), slotOf };
}

/** Time between a lifetime and its nearest neighbour in a slot; infinite where they meet. */
function idleTime({ first, last }: Lifetime, tenants: readonly Lifetime[]): number {
  let idle = Number.MAX_VALUE;
  for (const t of tenants) {
    if (t.last >= first && last >= t.first) return Infinity;
    idle = Math.min(idle, t.last < first ? first - t.last : t.first - last);
  }
  return idle;
}

/** The bytes alive when most are: no sharing of memory needs less. */
export function leastBytes(lifetimes: readonly Lifetime[]): number {
  const changes = lifetimes.flatMap(({ first, last, bytes }) => [[first, bytes], [last + 1, -bytes]] as const)
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let live = 0, most = 0;
  for (const [, bytes] of changes) most = Math.max(most, live += bytes);
  return most;
}
